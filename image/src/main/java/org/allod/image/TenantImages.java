package org.allod.image;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Optional;
import org.allod.base.RejectedException;

/**
 * Which images an app's token may name. Of the local images: those its app was granted before, and the operator's local
 * ones. Any other it must pull from a registry, with its own credentials, even if the content is here: that an image
 * was pulled for another app gives no right to it. Never a file of the host; a path is not even checked for existence.
 */
final class TenantImages {
    private final TagIndex tags;
    private final RegistryPolicy policy;

    TenantImages(TagIndex tags, RegistryPolicy policy) {
        this.tags = tags;
        this.policy = policy;
    }

    /**
     * Refuses what can be refused without network access.
     *
     * @return the local image of this reference that the app may use, if there is one
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

    /** Refuses a literal address or {@code localhost} now; addresses of names are checked on connection. */
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
            // Not an address: treated the same.
        }
        throw RegistryErrors.denied(reference, app);
    }

    /** What is here under this reference and the app's to use. */
    Optional<Digest> held(String reference, String app) {
        int at = reference.indexOf('@');
        Optional<Digest> pinned = Digest.read(reference.substring(at + 1));
        if (pinned.isPresent()) {
            // By digest, which may be older than the name's: only a granted image, or a local one.
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

    /** The name under which a layout is stored, from its text alone, without disk access. */
    private static Optional<String> layout(String reference) {
        try {
            Path path = Path.of(reference.substring(LocalImageStore.LAYOUT.length()));
            return Optional.of(LocalImageStore.LAYOUT + path.toAbsolutePath().normalize());
        } catch (InvalidPathException e) {
            return Optional.empty();
        }
    }
}
