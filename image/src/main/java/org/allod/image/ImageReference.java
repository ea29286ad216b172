package org.allod.image;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.allod.base.RejectedException;

/**
 * A complete reference to an image in a registry. Omitted parts are filled in as Docker does: {@code nginx} is {@code
 * docker.io/library/nginx:latest}.
 *
 * @param registry host, and port unless it is the default
 * @param repository such as {@code library/nginx}
 * @param tag empty if only a digest is given
 * @param digest if given, the tag is ignored
 */
record ImageReference(String registry, String repository, Optional<String> tag, Optional<Digest> digest) {
    private static final String DOCKER = "docker.io";
    private static final String NAME = "[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*";
    private static final Pattern REPOSITORY = Pattern.compile(NAME + "(?:/" + NAME + ")*");
    private static final Pattern TAG = Pattern.compile("[A-Za-z0-9_][A-Za-z0-9._-]{0,127}");
    private static final Pattern HOST =
            Pattern.compile("(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\\[[0-9a-fA-F:.]+])(?::[0-9]{1,5})?");
    private static final int LONGEST = 512;

    static ImageReference parse(String text) {
        if (text.length() > LONGEST) {
            throw invalid(text);
        }
        String rest = text;
        Optional<Digest> digest = Optional.empty();
        int at = rest.indexOf('@');
        if (at >= 0) {
            digest = Optional.of(Digest.parse(rest.substring(at + 1), "the reference"));
            rest = rest.substring(0, at);
        }
        Optional<String> tag = Optional.empty();
        int colon = rest.lastIndexOf(':');
        if (colon > rest.lastIndexOf('/')) {
            tag = Optional.of(rest.substring(colon + 1));
            rest = rest.substring(0, colon);
        }
        String registry = DOCKER;
        int slash = rest.indexOf('/');
        // As in Docker: the first part is a host only if it could not be a user's name.
        if (slash > 0 && isHost(rest.substring(0, slash))) {
            registry = rest.substring(0, slash);
            rest = rest.substring(slash + 1);
        }
        if (registry.equals("index." + DOCKER)) {
            registry = DOCKER;
        }
        if (registry.equals(DOCKER) && rest.indexOf('/') < 0) {
            rest = "library/" + rest;
        }
        if (!REPOSITORY.matcher(rest).matches()
                || !HOST.matcher(registry).matches()
                || tag.filter(name -> !TAG.matcher(name).matches()).isPresent()) {
            throw invalid(text);
        }
        if (tag.isEmpty() && digest.isEmpty()) {
            tag = Optional.of("latest");
        }
        return new ImageReference(registry, rest, tag, digest);
    }

    private static boolean isHost(String part) {
        return part.contains(".") || part.contains(":") || part.equals("localhost");
    }

    private static RejectedException invalid(String text) {
        return RejectedException.because(
                RejectedException.Reason.INVALID,
                "\"" + UntrustedText.printable(text) + "\" is no reference to an image",
                "it is [REGISTRY/]REPOSITORY[:TAG][@DIGEST] in lower case, as in nginx:1.27 or"
                        + " registry.example/team/web:v2; a layout on disk is oci:PATH");
    }

    /** The tag or digest to request from the registry. */
    String selector() {
        return digest.map(Digest::toString).orElseGet(() -> tag.orElse("latest"));
    }

    /** Whether it is this host itself, where no network needs to be protected by TLS. */
    boolean loopback() {
        Matcher port = Pattern.compile("(.*?)(?::[0-9]+)?").matcher(registry);
        String host = port.matches() ? port.group(1) : registry;
        return host.equals("localhost")
                || host.equals("[::1]")
                || host.matches("127\\.[0-9]{1,3}\\.[0-9]{1,3}\\.[0-9]{1,3}");
    }

    @Override
    public String toString() {
        return registry + "/" + repository + tag.map(name -> ":" + name).orElse("")
                + digest.map(value -> "@" + value).orElse("");
    }
}
