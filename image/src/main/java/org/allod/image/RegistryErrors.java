package org.allod.image;

import java.io.IOException;
import java.net.ConnectException;
import java.net.NoRouteToHostException;
import java.net.PortUnreachableException;
import java.net.SocketTimeoutException;
import java.net.UnknownHostException;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import javax.net.ssl.SSLException;
import org.allod.base.RejectedException;

/** Translates registry failures into errors that say what to do. */
final class RegistryErrors {
    private final ImageReference reference;
    private final Optional<DockerAuth.Credentials> credentials;
    private final String place;
    private final Optional<String> tenant;

    /**
     * @param place where credentials are looked for
     * @param tenant the app whose token makes the request; empty for the operator
     */
    RegistryErrors(
            ImageReference reference,
            Optional<DockerAuth.Credentials> credentials,
            String place,
            Optional<String> tenant) {
        this.reference = reference;
        this.credentials = credentials;
        this.place = place;
        this.tenant = tenant;
    }

    /**
     * Returns on success; throws an {@link IOException} if a retry may help, and a {@link RejectedException} if not.
     */
    void check(int status, String what) throws IOException {
        switch (status) {
            case 200, 206 -> {}
            case 401 -> throw unauthenticated();
            case 403 ->
                throw RejectedException.because(
                        RejectedException.Reason.FORBIDDEN,
                        "registry " + reference.registry() + " does not let " + who() + " pull " + reference,
                        "ask its owner for the right to pull, or log in as somebody who has it");
            case 404 ->
                throw RejectedException.because(
                        RejectedException.Reason.NOT_FOUND,
                        "registry " + reference.registry() + " has no " + reference + " (" + what + ")",
                        "check the name and the tag; a local image must be built or imported first");
            case 429 -> throw new TooManyRequestsException(reference.registry());
            default ->
                throw new IOException("registry " + reference.registry() + " answered " + status + " for " + what);
        }
    }

    private RejectedException unauthenticated() {
        if (credentials.isEmpty() && tenant.isPresent()) {
            return RejectedException.because(
                    RejectedException.Reason.UNAUTHENTICATED,
                    "registry " + reference.registry() + " wants credentials for " + reference + " and app "
                            + tenant.get() + " has none on this host",
                    "ask the operator to keep some for the app, or check the name: some registries say this of what"
                            + " they do not have");
        }
        if (credentials.isEmpty()) {
            return RejectedException.because(
                    RejectedException.Reason.UNAUTHENTICATED,
                    "registry " + reference.registry() + " wants credentials for " + reference
                            + " and there are none in " + place,
                    "log in (docker login " + reference.registry()
                            + "), or check the name: some registries say this of what they do not have");
        }
        return RejectedException.because(
                RejectedException.Reason.UNAUTHENTICATED,
                "registry " + reference.registry() + " refuses the " + credentials.get(),
                "log in again (docker login " + reference.registry() + ")");
    }

    private String who() {
        return credentials.map(known -> "user " + known.user()).orElse("somebody without credentials");
    }

    /**
     * Describes a network failure. For a tenant, an unknown name and one that resolves to a denied address give the
     * same error, because the difference would reveal the operator's own names and networks.
     */
    IOException translate(IOException thrown) {
        List<Throwable> causes = causes(thrown);
        boolean unknown = causes.stream().anyMatch(e -> e instanceof UnknownHostException);
        boolean denied = causes.stream().anyMatch(e -> e instanceof PolicedConnector.Denied);
        if (denied || (unknown && tenant.isPresent())) {
            throw denied(reference, tenant.orElse(""));
        }
        if (unknown) {
            return new IOException(
                    "registry " + reference.registry()
                            + " is not known (DNS has no such host); check its name and this host's resolver",
                    thrown);
        }
        for (Throwable cause : causes) {
            switch (cause) {
                case TooManyRequestsException busy -> {
                    return busy;
                }
                case ConnectException _,
                        NoRouteToHostException _,
                        PortUnreachableException _,
                        SocketTimeoutException _ -> {
                    return new IOException(
                            "registry " + reference.registry()
                                    + " cannot be reached; check that it runs and that this host's network and firewall"
                                    + " let it through",
                            thrown);
                }
                case SSLException tls -> {
                    return new IOException(
                            "registry " + reference.registry() + " does not speak valid TLS ("
                                    + UntrustedText.printable(String.valueOf(tls.getMessage()))
                                    + "); only registries on loopback may do without",
                            thrown);
                }
                default -> {}
            }
        }
        return new IOException(
                "registry " + reference.registry() + " could not be asked: "
                        + UntrustedText.printable(
                                String.valueOf(causes.getLast().getMessage())),
                thrown);
    }

    static RejectedException denied(ImageReference reference, String app) {
        return RejectedException.because(
                RejectedException.Reason.FORBIDDEN,
                "registry %s is not for app %s: its name is unknown, or it leads to an address that this host keeps from apps"
                        .formatted(reference.registry(), app),
                "name a public registry, or have the operator allow this one (--app-registries)");
    }

    private static List<Throwable> causes(Throwable thrown) {
        return Stream.iterate(thrown, e -> e != null, Throwable::getCause)
                .limit(20)
                .toList();
    }
}
