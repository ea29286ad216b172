package org.allod.runtime;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.allod.linux.NetNs;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * The configuration of one sandbox for runsc, in the format of the OCI runtime specification. PID 1 is Allod's; it
 * receives its command, environment and files over the channel, so this holds no secrets.
 */
final class OciBundle {
    /** Paths in the guest: PID 1, and the folder of the channel. */
    static final String GUEST = "/.allod/guest";

    static final String CHANNEL = "/.allod/channel";

    /** Docker's default capabilities: what images expect root to have, and nothing that affects the host. */
    private static final List<String> CAPABILITIES = List.of(
            "CAP_AUDIT_WRITE",
            "CAP_CHOWN",
            "CAP_DAC_OVERRIDE",
            "CAP_FOWNER",
            "CAP_FSETID",
            "CAP_KILL",
            "CAP_MKNOD",
            "CAP_NET_BIND_SERVICE",
            "CAP_NET_RAW",
            "CAP_SETFCAP",
            "CAP_SETGID",
            "CAP_SETPCAP",
            "CAP_SETUID",
            "CAP_SYS_CHROOT");

    private static final long OPEN_FILES = 65536;

    private static final JsonMapper JSON = JsonMapper.builder().build();

    private OciBundle() {}

    static String json(GuestSpec spec, Path root, SandboxPaths folders, String cgroup, RunscConfig runsc) {
        Map<String, Object> process = Map.of(
                "terminal",
                false,
                "user",
                Map.of("uid", 0, "gid", 0),
                "args",
                List.of(GUEST, "connect", CHANNEL + "/" + folders.socket().getFileName()),
                "env",
                List.of("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
                "cwd",
                "/",
                "noNewPrivileges",
                true,
                "capabilities",
                Map.of(
                        "bounding", CAPABILITIES,
                        "effective", CAPABILITIES,
                        "inheritable", List.of(),
                        "permitted", CAPABILITIES),
                "rlimits",
                List.of(Map.of("type", "RLIMIT_NOFILE", "hard", OPEN_FILES, "soft", OPEN_FILES)));
        Map<String, Object> linux = Map.of("cgroupsPath", cgroup, "namespaces", namespaces(spec, runsc));
        return JSON.writeValueAsString(Map.of(
                "ociVersion",
                "1.0.0",
                "process",
                process,
                "root",
                Map.of("path", root.toString(), "readonly", false),
                "hostname",
                spec.hostname(),
                "mounts",
                mounts(spec, folders),
                "linux",
                linux));
    }

    /** Whether a bundle of an older Allod lets its guest write to the folder of the channel. */
    static boolean writableChannel(String json) {
        for (JsonNode mount : JSON.readTree(json).path("mounts")) {
            if (mount.path("destination").asString("").equals(CHANNEL)) {
                return mount.path("options")
                        .valueStream()
                        .noneMatch(option -> option.asString("").equals("ro"));
            }
        }
        return false;
    }

    /** A runsc that uses the namespace's network stack is started inside the namespace and must stay there. */
    private static List<Map<String, Object>> namespaces(GuestSpec spec, RunscConfig runsc) {
        List<Map<String, Object>> all = new ArrayList<>();
        for (String type : List.of("pid", "ipc", "uts", "mount")) {
            all.add(Map.of("type", type));
        }
        if (!runsc.sharesNetwork()) {
            Path path = NetNs.path(MachineLink.namespace(spec.machine()));
            all.add(Map.of("type", "network", "path", path.toString()));
        }
        return all;
    }

    private static List<Map<String, Object>> mounts(GuestSpec spec, SandboxPaths folders) {
        List<Map<String, Object>> all = new ArrayList<>(kernels("", "tmpfs"));
        for (int i = 0; i < spec.options().units().size(); i++) {
            if (spec.options().units().get(i).rootImage().isPresent()) {
                all.addAll(kernels(GuestSetup.root(i), "devtmpfs"));
            }
        }
        // Read-only: a guest needs write access to the socket to connect, not to its folder.
        all.add(mount(CHANNEL, "bind", folders.channel().toString(), "bind", "ro", "nosuid", "nodev", "noexec"));
        for (GuestSpec.Volume volume : spec.volumes()) {
            all.add(mount(volume.path(), "bind", volume.mount().toString(), "bind", "rw", "nosuid", "nodev"));
        }
        return all;
    }

    /**
     * The kernel's pseudo file systems in each root.
     *
     * @param dev the type of {@code /dev}: at the top level runsc replaces any type with its own
     */
    private static List<Map<String, Object>> kernels(String root, String dev) {
        return List.of(
                mount(root + "/proc", "proc", "proc", "nosuid", "noexec", "nodev"),
                mount(root + "/dev", dev, dev, "nosuid", "mode=755"),
                mount(root + "/dev/pts", "devpts", "devpts", "nosuid", "noexec"),
                mount(root + "/dev/shm", "tmpfs", "tmpfs", "nosuid", "noexec", "nodev", "mode=1777"),
                mount(root + "/sys", "sysfs", "sysfs", "nosuid", "noexec", "nodev", "ro"));
    }

    private static Map<String, Object> mount(String destination, String type, String source, String... options) {
        return Map.of("destination", destination, "type", type, "source", source, "options", List.of(options));
    }
}
