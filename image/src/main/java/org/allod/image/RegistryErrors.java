package org.allod.image;

import java.io.IOException;
import java.net.ConnectException;
import java.net.UnknownHostException;
import java.net.http.HttpConnectTimeoutException;
import java.nio.channels.UnresolvedAddressException;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import javax.net.ssl.SSLException;
import land.oras.auth.HttpClient.ResponseWrapper;
import land.oras.exception.OrasException;
import org.allod.base.Rejected;

/** Tells apart what can go wrong with a registry, in words that say what to do. */
final class RegistryErrors {
    private final Reference reference;
    private final Optional<DockerAuth.Credentials> credentials;
    private final String place;

    /** @param place where credentials are looked for */
    RegistryErrors(Reference reference, Optional<DockerAuth.Credentials> credentials, String place) {
        this.reference = reference;
        this.credentials = credentials;
        this.place = place;
    }

    /** Passes where the answer is good; an {@link IOException} is worth another try, a {@link Rejected} is not. */
    void check(ResponseWrapper<?> answer, String what) throws IOException {
        check(answer.statusCode(), what);
    }

    private void check(int status, String what) throws IOException {
        switch (status) {
            case 200, 206 -> {}
            case 401 -> throw unauthenticated();
            case 403 ->
                throw Rejected.because(
                        Rejected.Reason.FORBIDDEN,
                        "registry " + reference.registry() + " does not let " + who() + " pull " + reference,
                        "ask its owner for the right to pull, or log in as somebody who has it");
            case 404 ->
                throw Rejected.because(
                        Rejected.Reason.NOT_FOUND,
                        "registry " + reference.registry() + " has no " + reference + " (" + what + ")",
                        "check the name and the tag; a local image must be built or imported first");
            case 429 -> throw new TooManyRequests(reference.registry());
            default ->
                throw new IOException("registry " + reference.registry() + " answered " + status + " for " + what);
        }
    }

    private Rejected unauthenticated() {
        if (credentials.isEmpty()) {
            return Rejected.because(
                    Rejected.Reason.UNAUTHENTICATED,
                    "registry " + reference.registry() + " wants credentials for " + reference
                            + " and there are none in " + place,
                    "log in (docker login " + reference.registry()
                            + "), or check the name: some registries say this of what they do not have");
        }
        return Rejected.because(
                Rejected.Reason.UNAUTHENTICATED,
                "registry " + reference.registry() + " refuses the " + credentials.get(),
                "log in again (docker login " + reference.registry() + ")");
    }

    private String who() {
        return credentials.map(known -> "user " + known.user()).orElse("somebody without credentials");
    }

    /** What the library threw, in our kinds. */
    IOException translate(Throwable thrown) throws IOException {
        List<Throwable> causes = causes(thrown);
        if (causes.stream()
                .anyMatch(e -> e instanceof UnresolvedAddressException || e instanceof UnknownHostException)) {
            return new IOException(
                    "registry " + reference.registry()
                            + " is not known (DNS has no such host); check its name and this host's resolver",
                    thrown);
        }
        for (Throwable cause : causes) {
            switch (cause) {
                case OrasException oras when oras.getStatusCode() > 0 -> check(oras.getStatusCode(), "a token");
                case HttpConnectTimeoutException _, ConnectException _ -> {
                    return new IOException(
                            "registry " + reference.registry()
                                    + " cannot be reached; check that it runs and that this host's network and firewall"
                                    + " let it through",
                            thrown);
                }
                case SSLException tls -> {
                    return new IOException(
                            "registry " + reference.registry() + " does not speak valid TLS ("
                                    + Text.shown(String.valueOf(tls.getMessage()))
                                    + "); only registries on loopback may do without",
                            thrown);
                }
                default -> {}
            }
        }
        return new IOException(
                "registry " + reference.registry() + " could not be asked: "
                        + Text.shown(String.valueOf(causes.getLast().getMessage())),
                thrown);
    }

    private static List<Throwable> causes(Throwable thrown) {
        return Stream.iterate(thrown, e -> e != null, Throwable::getCause)
                .limit(20)
                .toList();
    }
}
