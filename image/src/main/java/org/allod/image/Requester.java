package org.allod.image;

import java.util.Optional;

/**
 * On whose behalf an image is fetched. The operator may name any file of the host and any registry; an app's token only
 * what {@link RegistryPolicy} allows, within {@link ImageLimits#APP}.
 */
public sealed interface Requester {
    /**
     * The operator, or the host itself.
     *
     * @param app the app that receives the image and may use it from then on; empty for none in particular
     */
    record Operator(Optional<String> app) implements Requester {}

    /** A caller with only this app's token. */
    record App(String name) implements Requester {}

    /** The operator, for no particular app. */
    static Requester operator() {
        return new Operator(Optional.empty());
    }

    /** The operator on behalf of an app; or the app itself if {@code tenant}. */
    static Requester of(String app, boolean tenant) {
        return tenant ? new App(app) : new Operator(Optional.of(app));
    }

    /** The app that receives the image. */
    default Optional<String> forApp() {
        return switch (this) {
            case Operator(Optional<String> app) -> app;
            case App(String name) -> Optional.of(name);
        };
    }

    /** The app whose token makes the request; empty for the operator. */
    default Optional<String> tenant() {
        return switch (this) {
            case Operator _ -> Optional.empty();
            case App(String name) -> Optional.of(name);
        };
    }
}
