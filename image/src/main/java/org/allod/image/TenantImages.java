package org.allod.image;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Optional;
import org.allod.base.RejectedException;

/**
 * What an app's token may name. Of the images that are here: those its app was given before, and the operator's local
 * ones. Anything else it has to get from a registry, with its own credentials, even where the content is here: that an
 * image is on the host, pulled for another app, gives nobody a right to it. Never a file of the host; a path is not
 * even looked at.
 */
final class TenantImages {
    private final TagIndex tags;
    private final RegistryPolicy policy;

    TenantImages(TagIndex tags, RegistryPolicy policy) {
        this.tags = tags;
        this.policy = policy;
    }

    /**
     * Refuses what can be refused without asking anybody.
     *
     * @return what is here under this reference and the app's to use
     */
    Optional<Digest> admit(String reference, String app) {
        Optional<Digest> held = held(reference, app);
        if (held.isPresent()) {
            return held;
        }
        if (reference.startsWith(LocalImageStore.LAYOUT)) {
            throw RejectedException.because(
                    RejectedException.Reason.FORBIDDEN,
                    "image \"%s\" is a path on the host, and only the operator may name one"
                            .formatted(UntrustedText.printable(reference)),
                    "name an image in a registry, or have the operator import it (`allod image import`)");
        }
        checkLiteral(ImageReference.parse(reference), app);
        return Optional.empty();
    }

    /** An address or {@code localhost} in place of a name: told now; what names lead to is told by the connection. */
    private void checkLiteral(ImageReference reference, String app) {
        String host = reference.registry().replaceFirst(":[0-9]+$", "").replaceAll("[\\[\\]]", "");
        boolean local = host.equals("localhost") || host.endsWith(".localhost");
        if (!local && !AddressRange.looksLikeOne(host)) {
            return;
        }
        try {
            InetAddress address = InetAddress.getByName(local ? "127.0.0.1" : host);
            String port = reference.registry().replaceFirst("^.*?(?::([0-9]{1,5}))?$", "$1");
            if (policy.allows(host, port.isEmpty() ? 443 : Integer.parseInt(port), address)) {
                return;
            }
        } catch (UnknownHostException e) {
            // No address at all: the same answer.
        }
        throw RegistryErrors.denied(reference, app);
    }

    /** What is here under this reference and the app's to use. */
    Optional<Digest> held(String reference, String app) {
        int at = reference.indexOf('@');
        Optional<Digest> pinned = Digest.read(reference.substring(at + 1));
        if (pinned.isPresent()) {
            // By content, which may be an older one than the name's: only what the app was given, or a local image is.
            String name = at < 0 ? "" : reference.substring(0, at);
            return pinned.filter(digest -> tags.granted(app, digest)
                    || (local(name) && tags.find(localName(name)).equals(pinned)));
        }
        if (reference.startsWith(LocalImageStore.LAYOUT)) {
            return layout(reference).flatMap(tags::find).filter(digest -> tags.granted(app, digest));
        }
        if (local(reference)) {
            return tags.find(localName(reference));
        }
        return tags.find(ImageReference.parse(reference).toString()).filter(digest -> tags.granted(app, digest));
    }

    /**
     * Pulled images are kept under their reference in full, which may look like a local name ({@code ghcr.io/acme/x:v1}).
     * A name that is such a reference is never taken for local: an app that has no right to what was pulled would get it.
     */
    private boolean local(String name) {
        return LocalImageName.read(name)
                .filter(known -> !isFullReference(known))
                .filter(known -> tags.find(known).isPresent())
                .isPresent();
    }

    private static boolean isFullReference(String name) {
        try {
            return ImageReference.parse(name).toString().equals(name);
        } catch (RejectedException e) {
            return false; // what is no reference was not pulled
        }
    }

    private static String localName(String name) {
        return LocalImageName.parse(name);
    }

    /** The name a layout is kept under, by its text alone: without a look at the disk. */
    private static Optional<String> layout(String reference) {
        try {
            Path path = Path.of(reference.substring(LocalImageStore.LAYOUT.length()));
            return Optional.of(LocalImageStore.LAYOUT + path.toAbsolutePath().normalize());
        } catch (InvalidPathException e) {
            return Optional.empty();
        }
    }
}
