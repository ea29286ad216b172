package org.allod.image;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * The images of this host. Every method blocks; slow ones report to a {@link Progress}.
 *
 * <p>Errors: {@link org.allod.base.RejectedException} if the reference, the image or the credentials are at fault;
 * {@link org.allod.base.FailedException} if the network or the disk is. After either, nothing incomplete remains except
 * verified blobs, from which the next attempt resumes.
 */
public interface ImageStore {
    /**
     * Makes the image ready and returns it: at once if its content is here, otherwise by pulling it.
     *
     * @param reference a registry reference, the name of a local image, or {@code oci:PATH} for a layout or an archive
     * @param by the requester; if it has an app, that app may use the image from then on
     */
    Image ensure(String reference, Requester by, Progress progress);

    /** As above, for the operator. */
    default Image ensure(String reference, Progress progress) {
        return ensure(reference, Requester.operator(), progress);
    }

    /**
     * Throws if {@code by} may not use this reference, whatever it resolves to, so that the refusal precedes any work.
     * Queries no registry and reads no path.
     */
    void admit(String reference, Requester by);

    /** Pulls again even if the tag is known, because tags move. */
    Image pull(String reference, Progress progress);

    /** Imports an OCI layout folder, or a tar archive of one (or of {@code docker save}), under {@code name}. */
    Image importFrom(Path source, String name, Progress progress);

    /** Builds an image from Debian packages. */
    Image build(BuildSpec spec, Progress progress);

    /** The image if it is ready on this host. */
    Optional<Image> find(String reference);

    /** The same, if it is also the app's to use: local, or given to it before. */
    Optional<Image> find(String reference, String app);

    /** Every image, by reference. */
    List<Image> list();

    /** Removes a reference. Its content is removed by the next {@link #collect}, unless something else uses it. */
    void remove(String reference);

    /** Removes content that neither a reference nor {@code inUse} (digests) uses. Returns the bytes freed. */
    long collect(Set<String> inUse);

    /** Receives the progress of work; called often, must not block. */
    interface Progress {
        /**
         * @param phase the kind of work: {@code pull}, {@code flatten}, {@code build}
         * @param detail its subject: a digest, a package
         * @param done so far, in bytes or items
         * @param total the total; 0 if unknown
         */
        void at(String phase, String detail, long done, long total);

        Progress NONE = (phase, detail, done, total) -> {};
    }

    /**
     * An image to build from Debian packages, reproducibly.
     *
     * @param name its local name
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
