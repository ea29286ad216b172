package org.allod.image;

import java.nio.file.Path;
import java.time.Instant;
import java.util.List;

/**
 * An image that is ready to run.
 *
 * @param reference the full name it was requested by: {@code registry/repository:tag} or a local name
 * @param digest {@code sha256:…} of this platform's manifest
 * @param config how to run the image
 * @param rootImage the read-only file system image
 * @param bytes size of that file
 * @param created when it became ready on this host
 */
public record Image(String reference, String digest, Config config, Path rootImage, long bytes, Instant created) {
    /**
     * The parts of an OCI image configuration that matter to a machine.
     *
     * @param entrypoint precedes {@code cmd}
     * @param cmd default arguments, or the whole command if there is no entry point
     * @param env {@code K=V}
     * @param workingDir empty for {@code /}
     * @param user empty for root
     * @param exposedPorts TCP ports that the image declares
     * @param stopSignal a name such as {@code SIGQUIT}; empty for the default
     * @param labels the image's labels, {@code K=V}
     */
    public record Config(
            List<String> entrypoint,
            List<String> cmd,
            List<String> env,
            String workingDir,
            String user,
            List<Integer> exposedPorts,
            String stopSignal,
            List<String> labels) {
        public Config {
            entrypoint = List.copyOf(entrypoint);
            cmd = List.copyOf(cmd);
            env = List.copyOf(env);
            exposedPorts = List.copyOf(exposedPorts);
            labels = List.copyOf(labels);
        }
    }
}
