package org.allod.machine;

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import tools.jackson.databind.node.ObjectNode;

/**
 * A machine's configuration in the form of the Machines API, parsed and validated by {@link ConfigReader}. {@link
 * #json} is what the caller sent with defaults filled in, and what the API returns. docs/guide/machine-config.md lists
 * what each field does. Immutable.
 *
 * @param text the configuration as the API returns it
 * @param image the image's reference
 * @param env variables added to the image's environment
 * @param init the command, where it differs from the image's
 * @param guest its processors and memory
 * @param rootfs its writable layer
 * @param restart what happens when the main process ends
 * @param stop the signal and timeout of a stop
 * @param autoDestroy whether a machine that ended and is not restarted is destroyed
 * @param services the services that the edge routes to it
 * @param checks named health checks
 * @param files files that are written into the guest before it starts
 * @param dns its host name and its resolver's settings
 * @param processes processes that run in place of one main process; empty for one
 * @param containers the same, each with a root file system of its own
 * @param schedule how often it is started automatically
 * @param standbys machines that it stands by for; only recorded until there are several hosts
 * @param metrics where it exposes metrics of its own
 * @param mounts the volumes that it mounts
 * @param metadata keys and values that callers keep with it; parsed, since lists are filtered by them
 * @param statics files of its image that the edge serves itself
 * @param skipSecrets whether it boots without its app's secrets; comes from the request, not from the configuration
 */
public record MachineConfig(
        RawJson text,
        String image,
        Map<String, String> env,
        Init init,
        GuestSize guest,
        Rootfs rootfs,
        Restart restart,
        Stop stop,
        boolean autoDestroy,
        List<Service> services,
        Map<String, Check> checks,
        List<File> files,
        DnsConfig dns,
        List<ProcessConfig> processes,
        List<ContainerConfig> containers,
        Optional<Schedule> schedule,
        List<String> standbys,
        Optional<Metrics> metrics,
        List<Mount> mounts,
        Map<String, String> metadata,
        List<Static> statics,
        boolean skipSecrets) {

    /** The configuration as the API returns it; a new copy on each call, which the caller may change. */
    public ObjectNode json() {
        return text.node();
    }

    /** The same with other metadata: each key with a value is set, each without is removed. */
    MachineConfig withMetadata(Map<String, Optional<String>> changes) {
        Map<String, String> whole = new LinkedHashMap<>(metadata);
        changes.forEach((key, value) -> value.ifPresentOrElse(v -> whole.put(key, v), () -> whole.remove(key)));
        ObjectNode changed = json();
        changed.remove("metadata");
        if (!whole.isEmpty()) {
            ObjectNode node = changed.putObject("metadata");
            whole.forEach(node::put);
        }
        return ConfigReader.read(StrictJsonReader.of(changed, "config")).skippingSecrets(skipSecrets);
    }

    /** The same with another {@code skipSecrets}. */
    public MachineConfig skippingSecrets(boolean skip) {
        if (skip == skipSecrets) {
            return this;
        }
        return like(text, env, metadata, skip);
    }

    /** The same with another text, environment and metadata. */
    MachineConfig with(RawJson whole, Map<String, String> ownEnv, Map<String, String> labels) {
        return like(whole, ownEnv, labels, skipSecrets);
    }

    private MachineConfig like(RawJson whole, Map<String, String> ownEnv, Map<String, String> labels, boolean skip) {
        return new MachineConfig(
                whole,
                image,
                ownEnv,
                init,
                guest,
                rootfs,
                restart,
                stop,
                autoDestroy,
                services,
                checks,
                files,
                dns,
                processes,
                containers,
                schedule,
                standbys,
                metrics,
                mounts,
                labels,
                statics,
                skip);
    }

    /** The number of processors. */
    public int cpus() {
        return guest.cpus();
    }

    public int memoryMb() {
        return guest.memoryMb();
    }

    /** The bound of the writable layer, in MiB. */
    public int diskMb() {
        return rootfs.diskMb();
    }

    /** Every image that the machine needs besides its own. */
    public Set<String> otherImages() {
        Set<String> names = new LinkedHashSet<>();
        containers.forEach(c -> {
            names.add(c.image(image));
            c.files().forEach(file -> ofImage(file, names));
        });
        files.forEach(file -> ofImage(file, names));
        names.remove(image);
        return names;
    }

    private static void ofImage(File file, Set<String> names) {
        if (file instanceof File.ImageConfig of) {
            names.add(of.image());
        }
    }

    /**
     * The edge answers requests below {@code urlPrefix} with files below {@code guestPath} of the image.
     *
     * @param index the file that is served for a folder; empty for none
     */
    public record Static(String guestPath, String urlPrefix, String index) {}

    /** Overrides of the image's command: {@code exec} replaces all of it, the others their counterparts. */
    public record Command(List<String> exec, List<String> entrypoint, List<String> cmd) {
        static final Command OF_IMAGE = new Command(List.of(), List.of(), List.of());
    }

    /**
     * How the guest starts.
     *
     * @param tty whether the main process gets a terminal
     * @param swapMb swap space on its disk, in MiB
     */
    public record Init(Command command, boolean tty, int swapMb) {
        static final Init OF_IMAGE = new Init(Command.OF_IMAGE, false, 0);
    }

    /** The writable layer: its bound, and how long what is written lasts. */
    public record Rootfs(Persist persist, int diskMb) {
        static final int DEFAULT_MB = 2048;
        static final Rootfs USUAL = new Rootfs(Persist.NEVER, DEFAULT_MB);

        /** As the API names them. */
        public enum Persist {
            /** Empty at each boot from clean. */
            NEVER,
            /** Kept across restarts, empty when the machine starts after a stop. */
            RESTART,
            /** Kept until the machine is updated or destroyed. */
            ALWAYS
        }
    }

    /** What happens when the main process ends. */
    public record Restart(Policy policy, int maxRetries) {
        /** As the API names them. */
        public enum Policy {
            NO,
            ALWAYS,
            ON_FAILURE
        }
    }

    /** The number of the signal that asks the main process to end, and the time after which it is killed. */
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

    /**
     * A port of the edge, or a range of them, that leads to a service.
     *
     * @param http whether it is HTTP, where the host name selects the app; otherwise the ports belong to this app alone
     * @param tls whether TLS terminates at the edge
     * @param proxyProtocol the version of the PROXY protocol header that tells the machine the client's address; 0:
     *     none
     */
    public record Port(
            int first,
            int last,
            boolean http,
            boolean tls,
            int proxyProtocol,
            boolean forceHttps,
            HttpOptions options) {
        /** The protocol in words, for messages. */
        String spoken() {
            return (http ? "HTTP" : "raw TCP") + (tls ? " over TLS" : "");
        }
    }

    /**
     * How the edge handles HTTP on a port.
     *
     * @param headers response header fields that replace the machine's own; without values they are removed
     * @param pristine whether the edge adds no fields of its own to responses
     * @param idle how long a request may go without a byte in either direction
     * @param compress whether the edge compresses responses that the machine has not compressed
     * @param headTime the time within which a request's head must arrive
     */
    public record HttpOptions(
            Map<String, List<String>> headers,
            boolean pristine,
            Optional<Duration> idle,
            boolean compress,
            Optional<Duration> headTime) {
        static final HttpOptions USUAL = new HttpOptions(Map.of(), false, Optional.empty(), false, Optional.empty());
    }

    /** Above {@code soft} the edge prefers other machines; at {@code hard} it sends this one nothing more. */
    public record Concurrency(boolean byConnections, int soft, int hard) {}

    /** What the edge does with a machine that has had no load for a while. */
    public enum Autostop {
        OFF,
        STOP,
        SUSPEND
    }

    /**
     * A health check, which probes the guest at an interval.
     *
     * @param http whether it sends an HTTP request; otherwise it only connects
     * @param tls how to check the certificate, for HTTP over TLS
     * @param readiness whether the edge sends no traffic while it fails
     */
    public record Check(
            boolean http,
            int port,
            String method,
            String path,
            Map<String, List<String>> headers,
            Optional<Tls> tls,
            Duration interval,
            Duration timeout,
            Duration grace,
            boolean readiness) {}

    /**
     * How a check verifies a certificate.
     *
     * @param serverName the name that it must be valid for; empty for the machine's address
     */
    public record Tls(boolean skipVerify, String serverName) {}

    /** A file of the guest. */
    public sealed interface File {
        String path();

        int mode();

        /** The content is part of the configuration. */
        record Raw(String path, byte[] content, int mode) implements File {}

        /** The content is a secret of the app, which holds it in base64; read at each boot. */
        record Secret(String path, String name, int mode) implements File {}

        /** The content is the OCI configuration of an image. */
        record ImageConfig(String path, String image, int mode) implements File {}
    }

    /** Where the machine exposes metrics of its own. */
    public record Metrics(int port, String path, boolean https) {}

    /**
     * A volume and its mount point.
     *
     * @param volume the volume's id; empty until one of that name is found or created
     * @param name the name to look for if no id is given
     * @param sizeGb the size of the volume to create if none of that name is free; 0: create none
     * @param encrypted whether it must be encrypted
     * @param thresholdPercent how full it may be before it grows; 0: it does not grow automatically
     * @param addGb by how much it grows
     * @param limitGb the size up to which it grows; 0: only the disk bounds it
     */
    public record Mount(
            String volume,
            String name,
            String path,
            int sizeGb,
            boolean encrypted,
            int thresholdPercent,
            int addGb,
            int limitGb) {}
}
