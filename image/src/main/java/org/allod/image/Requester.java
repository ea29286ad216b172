package org.allod.image;

import java.util.Optional;

/**
 * On whose behalf an image is brought in. The operator may name any file of the host and any registry; an app's token
 * only what {@link RegistryPolicy} leaves it, within {@link ImageLimits#APP}.
 */
public sealed interface Requester {
    /**
     * The operator, or the host itself.
     *
     * @param app the app that gets the image, which may use it from then on; empty for none in particular
     */
    record Operator(Optional<String> app) implements Requester {}

    /** Somebody with no more than this app's token. */
    record App(String name) implements Requester {}

    /** The operator, for no app in particular. */
    static Requester operator() {
        return new Operator(Optional.empty());
    }

    /** The operator, for an app; or the app itself where {@code tenant}. */
    static Requester of(String app, boolean tenant) {
        return tenant ? new App(app) : new Operator(Optional.of(app));
    }

    /** The app that gets the image. */
    default Optional<String> forApp() {
        return switch (this) {
            case Operator(Optional<String> app) -> app;
            case App(String name) -> Optional.of(name);
        };
    }

    /** The app whose token asks; empty where it is the operator. */
    default Optional<String> tenant() {
        return switch (this) {
            case Operator _ -> Optional.empty();
            case App(String name) -> Optional.of(name);
        };
    }
}
