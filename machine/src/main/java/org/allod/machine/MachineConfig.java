package org.allod.machine;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import tools.jackson.databind.node.ObjectNode;

/**
 * A machine's configuration as the Machines API has it, read and checked. {@link ConfigReader} makes it; {@link #json}
 * is what the caller sent, with defaults filled in, and what callers get back.
 *
 * @param json the configuration as answered to callers
 * @param image the image's reference
 * @param env added to the image's environment
 * @param init what runs, where it is not what the image says
 * @param cpus whole processors
 * @param memoryMb the guest's memory
 * @param diskMb bound of the writable layer
 * @param restart what happens when the main process ends
 * @param stop how it is asked to end
 * @param autoDestroy whether a machine that ended, and is not restarted, is destroyed
 * @param services what the edge routes to it
 * @param checks named health checks
 * @param files written into the guest before it starts
 */
public record MachineConfig(
        ObjectNode json,
        String image,
        Map<String, String> env,
        Init init,
        int cpus,
        int memoryMb,
        int diskMb,
        Restart restart,
        Stop stop,
        boolean autoDestroy,
        List<Service> services,
        Map<String, Check> checks,
        List<File> files) {

    /** What runs: {@code exec} replaces everything; {@code entrypoint} and {@code cmd} replace the image's. */
    public record Init(List<String> exec, List<String> entrypoint, List<String> cmd, boolean tty) {}

    /** What happens when the main process ends. */
    public record Restart(Policy policy, int maxRetries) {
        /** As the API names them. */
        public enum Policy {
            NO,
            ALWAYS,
            ON_FAILURE
        }
    }

    /** The signal that asks the main process to end, by number, and how long it may take before it is killed. */
    public record Stop(Optional<Integer> signal, Duration timeout) {}

    /** A port of the guest that the edge serves. */
    public record Service(
            int internalPort,
            List<Port> ports,
            Concurrency concurrency,
            boolean autostart,
            Autostop autostop,
            int minMachinesRunning,
            List<Check> checks) {}

    /** A port of the edge. */
    public record Port(int port, List<String> handlers) {}

    /** Above {@code soft} the edge prefers others; above {@code hard} it sends nothing. */
    public record Concurrency(boolean byConnections, int soft, int hard) {}

    /** What the edge does with a machine nobody uses. */
    public enum Autostop {
        OFF,
        STOP,
        SUSPEND
    }

    /**
     * A question asked of the guest again and again.
     *
     * @param http whether it is an HTTP request; otherwise a TCP connection is enough
     */
    public record Check(
            boolean http,
            int port,
            String method,
            String path,
            Map<String, List<String>> headers,
            Duration interval,
            Duration timeout,
            Duration grace,
            boolean readiness) {}

    /** A file of the guest. */
    public record File(String path, byte[] content, int mode) {}
}
