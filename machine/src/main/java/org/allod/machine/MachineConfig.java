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
 * A machine's configuration as the Machines API has it, read and checked. {@link ConfigReader} makes it; {@link #json}
 * is what the caller sent, with defaults filled in, and what callers get back. What becomes of each field is listed in
 * docs/guide/machine-config.md.
 *
 * @param text the configuration as answered to callers
 * @param image the image's reference
 * @param env added to the image's environment
 * @param init what runs, where it is not what the image says
 * @param guest how large it is
 * @param rootfs its writable layer
 * @param restart what happens when the main process ends
 * @param stop how it is asked to end
 * @param autoDestroy whether a machine that ended, and is not restarted, is destroyed
 * @param services what the edge routes to it
 * @param checks named health checks
 * @param files written into the guest before it starts
 * @param dns its own name and where it asks for others'
 * @param processes run in place of one main process, where there are any
 * @param containers the same, each from an image of its own
 * @param schedule how often it is started by itself
 * @param standbys machines it stands by for; recorded until there are many hosts
 * @param metrics where it offers figures of its own
 * @param mounts the volumes it has
 * @param metadata what people and programs keep beside it: their keys, their values; read, since lists are filtered by it
 * @param statics which files of its image the edge serves in its stead
 * @param skipSecrets whether it boots without its app's secrets in its environment; asked for beside the configuration
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

    /** The configuration as answered to callers; a copy of the caller's own each time. */
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

    /** The same, for a machine that goes without its app's secrets, or with them. */
    public MachineConfig skippingSecrets(boolean skip) {
        if (skip == skipSecrets) {
            return this;
        }
        return like(text, env, metadata, skip);
    }

    /** The same for a machine that differs in what it keeps as text, in its environment and its metadata only. */
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

    /** Whole processors. */
    public int cpus() {
        return guest.cpus();
    }

    public int memoryMb() {
        return guest.memoryMb();
    }

    /** Bound of the writable layer. */
    public int diskMb() {
        return rootfs.diskMb();
    }

    /** Every image that the machine needs beside its own. */
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
     * Requests below {@code urlPrefix} are looked for below {@code guestPath} in the image.
     *
     * @param index the file that stands for a folder; empty for none
     */
    public record Static(String guestPath, String urlPrefix, String index) {}

    /** What runs instead of what the image says: {@code exec} replaces everything, the others their counterparts. */
    public record Command(List<String> exec, List<String> entrypoint, List<String> cmd) {
        static final Command OF_IMAGE = new Command(List.of(), List.of(), List.of());
    }

    /**
     * How the guest begins.
     *
     * @param tty whether the main process gets a terminal
     * @param swapMb swap space on its disk
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
            /** New at each boot from clean. */
            NEVER,
            /** Kept while the machine restarts, new when it is started after a stop. */
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

    /**
     * Ports of the edge, one or a range, that lead to a service.
     *
     * @param http whether HTTP is spoken, and the host name says which app is meant; else the ports are this app's own
     * @param tls whether TLS ends at the edge
     * @param proxyProtocol the version of the header that tells the machine who the client is; 0 for none
     */
    public record Port(
            int first,
            int last,
            boolean http,
            boolean tls,
            int proxyProtocol,
            boolean forceHttps,
            HttpOptions options) {
        /** In words, for messages. */
        String spoken() {
            return (http ? "HTTP" : "raw TCP") + (tls ? " over TLS" : "");
        }
    }

    /**
     * How the edge treats a port's HTTP.
     *
     * @param headers fields that answers get in place of the machine's own; without values, they are taken out
     * @param pristine whether the edge adds no field of its own to answers
     * @param idle without a byte either way while a request is under way
     * @param compress whether the edge compresses what the machine has not
     * @param headTime within which a request's head must come
     */
    public record HttpOptions(
            Map<String, List<String>> headers,
            boolean pristine,
            Optional<Duration> idle,
            boolean compress,
            Optional<Duration> headTime) {
        static final HttpOptions USUAL = new HttpOptions(Map.of(), false, Optional.empty(), false, Optional.empty());
    }

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
     * @param tls for HTTP over TLS
     * @param readiness whether the edge sends nothing while it fails
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
     * How a check judges a certificate.
     *
     * @param serverName the name it must be for; empty: the machine's address
     */
    public record Tls(boolean skipVerify, String serverName) {}

    /** A file of the guest. */
    public sealed interface File {
        String path();

        int mode();

        /** What is in it is given. */
        record Raw(String path, byte[] content, int mode) implements File {}

        /** In it is what a secret of the app holds, in base64; read at each boot. */
        record Secret(String path, String name, int mode) implements File {}

        /** In it is what an image says of itself: its OCI configuration. */
        record ImageConfig(String path, String image, int mode) implements File {}
    }

    /** Where the machine offers figures of its own, for whoever collects them. */
    public record Metrics(int port, String path, boolean https) {}

    /**
     * A volume and where it goes.
     *
     * @param volume its id; empty until one of that name is found
     * @param name by which one is looked for where no id is given
     * @param sizeGb of the volume to be made where none of that name is free; 0: none is made
     * @param encrypted whether it must be
     * @param thresholdPercent how full it may be before it grows; 0: it does not grow by itself
     * @param addGb by how much
     * @param limitGb to what at most; 0: no bound but the disk
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
