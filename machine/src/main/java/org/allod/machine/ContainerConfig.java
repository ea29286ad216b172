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
 * @param env overrides its image's variables
 * @param secrets override its environment
 * @param user empty for its image's
 * @param dependsOn conditions that must hold before it starts
 * @param stop the signal and timeout of a stop
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

    /** Another container of the machine, and the condition that it must meet. */
    public record Dependency(String name, Condition condition) {}

    /** As the API names them. */
    public enum Condition {
        STARTED,
        HEALTHY,
        EXITED_SUCCESSFULLY
    }

    /**
     * A health check that the guest's PID 1 runs inside the machine.
     *
     * @param liveness whether it checks that the container is alive at all
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

    /** What a check does. */
    public sealed interface Question {
        /** Runs a command in the container; exit code 0 passes. */
        record Exec(List<String> argv) implements Question {}

        /** Connects to a port. */
        record Tcp(int port) implements Question {}

        /** Sends a request; 2xx passes. */
        record Http(int port, String method, String path, Map<String, List<String>> headers) implements Question {}
    }

    /** Its image: its own, or the machine's. */
    String image(String machines) {
        return Optional.of(image).filter(i -> !i.isEmpty()).orElse(machines);
    }
}
