package org.allod.machine;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * One of several containers of a machine: an image of its own in a root file system of its own, beside the others.
 *
 * @param name unique in the machine
 * @param image its image; empty for the machine's
 * @param env over its image's
 * @param secrets over its environment
 * @param user in place of its image's; empty for that
 * @param dependsOn what must be so before it starts
 * @param stop how it is asked to end
 */
public record ContainerConfig(
        String name,
        String image,
        MachineConfig.Command command,
        Map<String, String> env,
        List<ProcessConfig.EnvFrom> envFrom,
        SecretSelection secrets,
        List<MachineConfig.File> files,
        String user,
        List<Dependency> dependsOn,
        List<Health> healthchecks,
        MachineConfig.Restart restart,
        MachineConfig.Stop stop) {

    /** Another container of the machine, and what must be so of it. */
    public record Dependency(String name, Condition condition) {}

    /** As the API names them. */
    public enum Condition {
        STARTED,
        HEALTHY,
        EXITED_SUCCESSFULLY
    }

    /**
     * A question that the machine asks of its container, from inside.
     *
     * @param liveness whether it is about being alive at all
     * @param stops whether a container that fails it is stopped, and then treated as its restart policy says
     */
    public record Health(
            String name,
            boolean liveness,
            Question question,
            Duration interval,
            Duration timeout,
            Duration grace,
            int successes,
            int failures,
            boolean stops) {}

    /** What is asked. */
    public sealed interface Question {
        /** A command in the container, which says yes by exit code 0. */
        record Exec(List<String> argv) implements Question {}

        /** A connection to a port. */
        record Tcp(int port) implements Question {}

        /** A request; 2xx is yes. */
        record Http(int port, String method, String path, Map<String, List<String>> headers) implements Question {}
    }

    /** Its image: its own, or the machine's. */
    String image(String machines) {
        return Optional.of(image).filter(i -> !i.isEmpty()).orElse(machines);
    }
}
