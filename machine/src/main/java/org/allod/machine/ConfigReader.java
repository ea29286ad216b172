package org.allod.machine;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.allod.base.Rejected;
import tools.jackson.databind.node.ObjectNode;

/**
 * Reads a machine's configuration from JSON. Each field of the API's {@code fly.MachineConfig} is honoured, or refused
 * by name; an unknown one is refused too.
 */
public final class ConfigReader {
    private static final int MAX_FILE_BYTES = 1 << 20;
    private static final int MAX_CPUS = 64;
    private static final int MIN_MEMORY_MB = 64;
    private static final int MAX_MEMORY_MB = 1 << 20;
    private static final int DEFAULT_MEMORY_MB = 256;
    private static final int DEFAULT_DISK_MB = 2048;
    private static final Duration MAX_STOP = Duration.ofMinutes(5);
    private static final String LATER = "not supported by this version";

    private ConfigReader() {}

    /** Reads and checks; the defaults it fills in are in the result's {@link MachineConfig#json}. */
    public static MachineConfig read(Fields in) {
        String image = in.string("image")
                .filter(s -> !s.isBlank())
                .orElseThrow(() -> Rejected.invalid(in.path("image") + " is missing: name the image to run"));
        Map<String, String> env = in.map("env");
        env.keySet().forEach(name -> checkEnvName(in.path("env"), name));
        MachineConfig.Init init = in.object("init")
                .map(ConfigReader::init)
                .orElse(new MachineConfig.Init(List.of(), List.of(), List.of(), false));
        Guest guest = in.object("guest").map(ConfigReader::guest).orElse(new Guest(1, DEFAULT_MEMORY_MB));
        int diskMb = in.object("rootfs").map(ConfigReader::rootfs).orElse(DEFAULT_DISK_MB);
        MachineConfig.Restart restart = in.object("restart")
                .map(ConfigReader::restart)
                .orElse(new MachineConfig.Restart(MachineConfig.Restart.Policy.ON_FAILURE, 10));
        MachineConfig.Stop stop = in.object("stop_config")
                .map(ConfigReader::stop)
                .orElse(new MachineConfig.Stop(Optional.empty(), Duration.ofSeconds(5)));
        boolean autoDestroy = in.bool("auto_destroy").orElse(false);
        boolean noAutostart = in.bool("disable_machine_autostart").orElse(false);
        List<MachineConfig.Service> services = in.objects("services", s -> ServiceReader.service(s, !noAutostart));
        Map<String, MachineConfig.Check> checks = in.mapOf("checks", c -> ServiceReader.check(c, Optional.empty()));
        List<MachineConfig.File> files = in.objects("files", ConfigReader::file);
        in.map("metadata");
        for (String later : List.of(
                "cache_drive",
                "containers",
                "dns",
                "metrics",
                "mounts",
                "processes",
                "schedule",
                "size",
                "standbys",
                "statics")) {
            in.refuse(later, LATER);
        }
        in.done();
        ObjectNode json = in.json().deepCopy();
        json.putObject("guest")
                .put("cpu_kind", "shared")
                .put("cpus", guest.cpus)
                .put("memory_mb", guest.memoryMb);
        json.putObject("restart")
                .put("policy", restart.policy().name().toLowerCase(Locale.ROOT).replace('_', '-'))
                .put("max_retries", restart.maxRetries());
        if (!json.has("init")) {
            json.putObject("init");
        }
        return new MachineConfig(
                json,
                image,
                env,
                init,
                guest.cpus,
                guest.memoryMb,
                diskMb,
                restart,
                stop,
                autoDestroy,
                services,
                checks,
                files);
    }

    private record Guest(int cpus, int memoryMb) {}

    private static Guest guest(Fields in) {
        in.oneOf("cpu_kind", List.of("shared", "performance"));
        int cpus = in.integer("cpus", 1, MAX_CPUS).orElse(1);
        int memory = in.integer("memory_mb", MIN_MEMORY_MB, MAX_MEMORY_MB).orElse(DEFAULT_MEMORY_MB);
        for (String later : List.of("gpu_kind", "host_dedication_id", "kernel_args", "max_memory_mb")) {
            in.refuse(later, LATER);
        }
        in.integer("gpus", 0, 0);
        in.oneOf("persist_rootfs", List.of("never"));
        in.done();
        return new Guest(cpus, memory);
    }

    private static int rootfs(Fields in) {
        in.oneOf("persist", List.of("never"));
        int size = in.integer("size_gb", 0, 1024).orElse(0);
        in.done();
        return size == 0 ? DEFAULT_DISK_MB : size * 1024;
    }

    private static MachineConfig.Init init(Fields in) {
        in.refuse("kernel_args", LATER);
        in.integer("swap_size_mb", 0, 0);
        MachineConfig.Init init = new MachineConfig.Init(
                in.strings("exec"),
                in.strings("entrypoint"),
                in.strings("cmd"),
                in.bool("tty").orElse(false));
        in.done();
        return init;
    }

    private static MachineConfig.Restart restart(Fields in) {
        in.refuse("gpu_bid_price", LATER);
        MachineConfig.Restart.Policy policy = in.oneOf("policy", List.of("", "no", "always", "on-failure"))
                .filter(p -> !p.isEmpty())
                .map(p -> MachineConfig.Restart.Policy.valueOf(
                        p.toUpperCase(Locale.ROOT).replace('-', '_')))
                .orElse(MachineConfig.Restart.Policy.ON_FAILURE);
        int retries = in.integer("max_retries", 0, 1_000_000).orElse(10);
        in.done();
        return new MachineConfig.Restart(policy, retries);
    }

    private static MachineConfig.Stop stop(Fields in) {
        Optional<Integer> signal = in.string("signal").filter(s -> !s.isEmpty()).map(s -> signal(in.path("signal"), s));
        Duration timeout = in.duration("timeout", MAX_STOP).orElse(Duration.ofSeconds(5));
        in.done();
        return new MachineConfig.Stop(signal, timeout);
    }

    /** A signal by its name or number, or a refusal that lists them. */
    public static int signal(String path, String text) {
        return Signals.number(text)
                .orElseThrow(() -> Rejected.invalid(
                        "%s is \"%s\": allowed are %s".formatted(path, text, String.join(", ", Signals.NAMES))));
    }

    private static MachineConfig.File file(Fields in) {
        String path = in.string("guest_path")
                .filter(p -> p.startsWith("/") && !p.endsWith("/") && p.indexOf('\0') < 0)
                .orElseThrow(() -> Rejected.invalid(in.path("guest_path")
                        + " must be the absolute path of a file in the guest, such as /etc/app.conf"));
        in.refuse("secret_name", LATER);
        in.refuse("image_config", LATER);
        byte[] content = in.string("raw_value")
                .map(text -> decode(in.path("raw_value"), text))
                .orElseThrow(() -> Rejected.invalid(in.path("raw_value") + " is missing: the content, in base64"));
        int mode = in.integer("mode", 0, 07777).orElse(0644);
        in.done();
        return new MachineConfig.File(path, content, mode == 0 ? 0644 : mode);
    }

    private static byte[] decode(String path, String text) {
        byte[] bytes;
        try {
            bytes = Base64.getDecoder().decode(text);
        } catch (IllegalArgumentException e) {
            throw Rejected.invalid(path + " is not base64");
        }
        if (bytes.length > MAX_FILE_BYTES) {
            throw Rejected.because(
                    Rejected.Reason.TOO_LARGE,
                    "%s is %d bytes: a file may have %d".formatted(path, bytes.length, MAX_FILE_BYTES));
        }
        return bytes;
    }

    private static void checkEnvName(String path, String name) {
        if (name.isEmpty() || name.indexOf('=') >= 0 || name.indexOf('\0') >= 0) {
            throw Rejected.invalid(
                    "%s has the name \"%s\": a variable's name is not empty and has no '='".formatted(path, name));
        }
    }

    /** The whole command: what the configuration says over what the image says. */
    public static List<String> command(MachineConfig config, List<String> entrypoint, List<String> cmd) {
        MachineConfig.Init init = config.init();
        List<String> argv = new ArrayList<>();
        if (!init.exec().isEmpty()) {
            argv.addAll(init.exec());
        } else {
            argv.addAll(init.entrypoint().isEmpty() ? entrypoint : init.entrypoint());
            // As in a container: a new entry point drops the image's arguments.
            boolean imageCmd = init.cmd().isEmpty() && init.entrypoint().isEmpty();
            argv.addAll(imageCmd ? cmd : init.cmd());
        }
        if (argv.isEmpty()) {
            throw Rejected.because(
                    Rejected.Reason.INVALID,
                    "the image " + config.image() + " says no command to run, and config.init says none",
                    "set config.init.cmd, or give the command after --");
        }
        return argv;
    }

    /** The whole environment: the machine's over the image's. */
    public static Map<String, String> environment(MachineConfig config, List<String> imageEnv) {
        Map<String, String> env = new LinkedHashMap<>();
        env.put("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
        for (String pair : imageEnv) {
            int eq = pair.indexOf('=');
            if (eq > 0) {
                env.put(pair.substring(0, eq), pair.substring(eq + 1));
            }
        }
        env.putAll(config.env());
        return env;
    }
}
