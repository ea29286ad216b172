package org.allod.image;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * The images of this host. Every method blocks; the slow ones report to a {@link Progress}.
 *
 * <p>Errors: {@link org.allod.base.RejectedException} where the reference, the image or the credentials are at fault; {@link
 * org.allod.base.FailedException} where the network or the disk is. After either, nothing half-made is left behind but verified
 * blobs, which the next try starts from.
 */
public interface ImageStore {
    /**
     * Makes the image ready and returns it: at once where its content is here, otherwise by pulling it.
     *
     * @param reference a registry reference, the name of a local image, or {@code oci:PATH} for a layout or an archive
     * @param by on whose behalf; its app, where there is one, may use the image from then on
     */
    Image ensure(String reference, Requester by, Progress progress);

    /** The same for the operator. */
    default Image ensure(String reference, Progress progress) {
        return ensure(reference, Requester.operator(), progress);
    }

    /**
     * Refuses a reference that {@code by} may not use whatever it leads to: for what is to be told before anything is
     * made. Asks nobody and looks at no path.
     */
    void admit(String reference, Requester by);

    /** Pulls again even where a tag is known, since tags move. */
    Image pull(String reference, Progress progress);

    /** Brings in an OCI layout folder, or a tar archive of one (or of {@code docker save}), under {@code name}. */
    Image importFrom(Path source, String name, Progress progress);

    /** Makes an image from Debian packages. */
    Image build(BuildSpec spec, Progress progress);

    /** The image if it is ready on this host. */
    Optional<Image> find(String reference);

    /** The same, if it is also the app's to use: local, or given to it before. */
    Optional<Image> find(String reference, String app);

    /** Every image, by reference. */
    List<Image> list();

    /** Forgets a reference. Its content goes at the next {@link #collect}, unless something else holds it. */
    void remove(String reference);

    /**
     * Removes content that no reference and none of {@code inUse} (digests) holds. Returns the bytes given back.
     */
    long collect(Set<String> inUse);

    /** Told how long work goes on; called often, must not block. */
    interface Progress {
        /**
         * @param phase what is being done: {@code pull}, {@code flatten}, {@code build}
         * @param detail on what: a digest, a package
         * @param done so far, in bytes or items
         * @param total of how much; 0 where unknown
         */
        void at(String phase, String detail, long done, long total);

        Progress NONE = (phase, detail, done, total) -> {};
    }

    /**
     * An image to make from Debian packages, reproducibly.
     *
     * @param name the local name it gets
     * @param packages Debian package names
     * @param copies files or folders of the host to put into the image
     * @param cmd the image's command
     * @param env {@code K=V}
     * @param exposedPorts TCP ports
     */
    record BuildSpec(
            String name,
            List<String> packages,
            List<Copy> copies,
            List<String> cmd,
            List<String> env,
            List<Integer> exposedPorts) {
        public BuildSpec {
            packages = List.copyOf(packages);
            copies = List.copyOf(copies);
            cmd = List.copyOf(cmd);
            env = List.copyOf(env);
            exposedPorts = List.copyOf(exposedPorts);
        }

        /** Copies {@code source} of this host to {@code destination} in the image. */
        public record Copy(Path source, String destination) {}
    }
}
