package org.allod.image;

import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import org.allod.base.RejectedException;
import org.allod.image.OciJson.Child;

/** Finds the manifest of a source for this host's platform. */
final class ManifestResolver {
    /** Maximum nesting of indexes; no legitimate image nests them deeper. */
    private static final int NESTED = 3;

    private final String platform;
    private final ImageLimits limits;

    ManifestResolver(String platform, ImageLimits limits) {
        this.platform = platform;
        this.limits = limits;
    }

    /** Follows {@code source} to a manifest; {@code name} selects one of several in a layout. */
    Manifest resolve(ImageSource source, Optional<String> name) throws IOException {
        ImageSource.Document document = source.top();
        Optional<String> wanted = name;
        for (int depth = 0; depth <= NESTED; depth++) {
            OciJson.Top top = OciJson.top(
                    document.content(), Optional.of(document.mediaType()).filter(type -> !type.isEmpty()), limits);
            switch (top) {
                case OciJson.Single(Manifest manifest) -> {
                    return manifest;
                }
                case OciJson.Index(List<Child> children) -> {
                    Descriptor next = choose(children, wanted, source.name()).descriptor();
                    document = verified(source, next);
                    wanted = Optional.empty();
                }
            }
        }
        throw RejectedException.invalid(source.name() + " nests one index in another too deeply");
    }

    private static ImageSource.Document verified(ImageSource source, Descriptor descriptor) throws IOException {
        ImageSource.Document document = source.manifest(descriptor);
        Digest got = Digest.of(document.content());
        if (!got.equals(descriptor.digest()) || document.content().length != descriptor.size()) {
            throw RejectedException.invalid(
                    source.name() + " delivered manifest " + descriptor.digest() + " with other content (" + got + ")");
        }
        return document;
    }

    private Child choose(List<Child> children, Optional<String> name, String source) {
        List<Child> named = children.stream()
                .filter(child -> name.isEmpty() || named(child, name.get()))
                .toList();
        if (named.isEmpty() && name.isPresent()) {
            throw RejectedException.because(
                    RejectedException.Reason.NOT_FOUND,
                    source + " has no image named " + UntrustedText.printable(name.get()),
                    "it has: " + names(children));
        }
        List<Child> fit = named.stream()
                .filter(child -> child.platform().equals(platform))
                .toList();
        if (fit.isEmpty()) {
            fit = named.stream().filter(child -> child.platform().isEmpty()).toList();
        }
        if (fit.isEmpty()) {
            throw RejectedException.because(
                    RejectedException.Reason.UNSUPPORTED,
                    source + " has no image for " + platform,
                    "it has: "
                            + named.stream()
                                    .map(Child::platform)
                                    .distinct()
                                    .map(UntrustedText::printable)
                                    .collect(Collectors.joining(", ")));
        }
        if (fit.stream().map(Child::name).distinct().count() > 1) {
            throw RejectedException.because(
                    RejectedException.Reason.INVALID,
                    source + " holds several images",
                    "name one, as in oci:PATH:NAME; it has: " + names(fit));
        }
        return fit.getFirst();
    }

    /** Compares the full name, or the name without the registry that docker save prepends. */
    private static boolean named(Child child, String wanted) {
        return child.name().equals(wanted) || child.name().endsWith("/" + wanted);
    }

    private static String names(List<Child> children) {
        return children.stream()
                .map(Child::name)
                .filter(name -> !name.isEmpty())
                .distinct()
                .map(UntrustedText::printable)
                .limit(20)
                .collect(Collectors.joining(", "));
    }

    /** Reads a document of unknown length and refuses one that exceeds the limit. */
    static byte[] bounded(InputStream in, int most, String source) throws IOException {
        byte[] content = in.readNBytes(most + 1);
        if (content.length > most) {
            throw RejectedException.because(
                    RejectedException.Reason.TOO_LARGE,
                    "the manifest of " + source + " is larger than " + most + " bytes");
        }
        return content;
    }
}
