package org.allod.machine;

import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.allod.base.MachineId;
import org.allod.base.RejectedException;
import tools.jackson.databind.node.ObjectNode;

/**
 * Reads a machine's configuration from JSON. Each field of the API's {@code fly.MachineConfig} is honoured, or refused
 * by name; an unknown one is refused too. docs/guide/machine-config.md lists them all. Each subject has a reader.
 */
public final class ConfigReader {
    private static final int MAX_STANDBYS = 16;

    private ConfigReader() {}

    /** Reads and checks; the defaults it fills in are in the result's {@link MachineConfig#json}. */
    public static MachineConfig read(StrictJsonReader in) {
        List<ProcessConfig> processes = ProcessConfig.read(in);
        List<ContainerConfig> containers = ContainerReader.read(in);
        String image = image(in, containers);
        Map<String, String> env = env(in);
        Optional<StrictJsonReader> initFields = in.object("init");
        MachineConfig.Init init = initFields.map(InitReader::init).orElse(MachineConfig.Init.OF_IMAGE);
        List<String> kernelArgs = initFields.map(GuestSize::kernelArgs).orElse(List.of());
        initFields.ifPresent(StrictJsonReader::done);
        Optional<String> persist = in.object("guest").flatMap(g -> g.oneOf("persist_rootfs", InitReader.PERSIST));
        GuestSize guest = InitReader.size(GuestSize.read(in), kernelArgs);
        MachineConfig.Rootfs rootfs = InitReader.rootfs(in.object("rootfs"), persist);
        MachineConfig.Restart restart =
                in.object("restart").map(InitReader::restart).orElse(InitReader.USUAL_RESTART);
        MachineConfig.Stop stop = in.object("stop_config").map(InitReader::stop).orElse(InitReader.USUAL_STOP);
        boolean noAutostart = in.bool("disable_machine_autostart").orElse(false);
        List<MachineConfig.Mount> mounts = MountReader.read(in);
        MachineConfig config = new MachineConfig(
                RawJson.wrap(withDefaults(in.json().deepCopy(), guest, restart)),
                image,
                env,
                init,
                guest,
                rootfs,
                restart,
                stop,
                in.bool("auto_destroy").orElse(false),
                in.objects("services", s -> ServiceReader.service(s, !noAutostart)),
                in.mapOf("checks", CheckReader::ofMachine),
                in.objects("files", FileConfigReader::file),
                in.object("dns").map(DnsConfig::read).orElse(DnsConfig.USUAL),
                processes,
                containers,
                Schedule.read(in),
                standbys(in),
                in.object("metrics").map(ConfigReader::metrics),
                mounts,
                in.map("metadata"),
                StaticReader.read(in, mounts),
                false);
        in.refuse(
                "cache_drive",
                "a machine has no disk but its root and its volumes; rootfs.size_gb makes the root larger");
        in.done();
        oneWayToRun(in, config);
        return config;
    }

    private static String image(StrictJsonReader in, List<ContainerConfig> containers) {
        Optional<String> named = in.string("image").filter(s -> !s.isBlank());
        if (named.isEmpty()
                && !containers.isEmpty()
                && containers.stream().noneMatch(c -> c.image().isEmpty())) {
            return containers.getFirst().image();
        }
        return named.orElseThrow(
                () -> RejectedException.invalid(in.path("image") + " is missing: name the image to run"));
    }

    /** Refuses fields that would have no effect beside processes or containers. */
    private static void oneWayToRun(StrictJsonReader in, MachineConfig config) {
        boolean several = !config.processes().isEmpty() || !config.containers().isEmpty();
        if (!config.processes().isEmpty() && !config.containers().isEmpty()) {
            throw RejectedException.invalid(in.path("processes") + " and " + in.path("containers")
                    + " both say what runs: a machine has the one or the other");
        }
        if (several && (config.init().tty() || !config.init().command().equals(MachineConfig.Command.OF_IMAGE))) {
            throw RejectedException.invalid(
                    "%s says what runs, and so does %s: leave exec, entrypoint, cmd and tty out of it"
                            .formatted(
                                    in.path(config.processes().isEmpty() ? "containers" : "processes"),
                                    in.path("init")));
        }
    }

    /** Fills in the defaults, because the Machines API returns them. */
    private static ObjectNode withDefaults(ObjectNode json, GuestSize size, MachineConfig.Restart restart) {
        ObjectNode guest = json.get("guest") instanceof ObjectNode given ? given : json.putObject("guest");
        guest.put("cpu_kind", size.kind().name().toLowerCase(Locale.ROOT))
                .put("cpus", size.cpus())
                .put("memory_mb", size.memoryMb());
        json.putObject("restart")
                .put("policy", restart.policy().name().toLowerCase(Locale.ROOT).replace('_', '-'))
                .put("max_retries", restart.maxRetries());
        if (!json.has("init")) {
            json.putObject("init");
        }
        return json;
    }

    static Map<String, String> env(StrictJsonReader in) {
        Map<String, String> env = in.map("env");
        env.keySet().forEach(name -> checkEnvName(in.path("env"), name));
        return env;
    }

    static void checkEnvName(String path, String name) {
        if (name.isEmpty() || name.indexOf('=') >= 0 || name.indexOf('\0') >= 0) {
            throw RejectedException.invalid(
                    "%s has the name \"%s\": a variable's name is not empty and has no '='".formatted(path, name));
        }
    }

    private static List<String> standbys(StrictJsonReader in) {
        List<String> all = in.strings("standbys");
        if (all.size() > MAX_STANDBYS) {
            throw RejectedException.invalid(
                    "%s has %d entries: at most %d".formatted(in.path("standbys"), all.size(), MAX_STANDBYS));
        }
        for (String one : all) {
            if (MachineId.parse(one).isEmpty()) {
                throw RejectedException.invalid(
                        "%s has \"%s\": that is not a machine's id".formatted(in.path("standbys"), one));
            }
        }
        return all;
    }

    private static MachineConfig.Metrics metrics(StrictJsonReader in) {
        MachineConfig.Metrics metrics = new MachineConfig.Metrics(
                in.integer("port", 1, 65_535)
                        .orElseThrow(() ->
                                RejectedException.invalid(in.path("port") + " is missing: where the figures are")),
                in.string("path").filter(p -> !p.isEmpty()).orElse("/metrics"),
                in.bool("https").orElse(false));
        if (!metrics.path().matches("/[!-~]*")) {
            throw RejectedException.invalid("%s is \"%s\": it must start with / and have no spaces"
                    .formatted(in.path("path"), StrictJsonReader.clip(metrics.path())));
        }
        in.done();
        return metrics;
    }

    /** A signal by its name or number, or a refusal that lists them. */
    public static int signal(String path, String text) {
        return SignalNames.number(text)
                .orElseThrow(() -> RejectedException.invalid(
                        "%s is \"%s\": allowed are %s".formatted(path, text, String.join(", ", SignalNames.NAMES))));
    }

    /** A command to run; refused if no kernel would accept it. */
    public static List<String> runnable(String path, List<String> argv) {
        BootValidator.words(path, argv);
        return argv;
    }

    /** The timeout of a stop; refused if it is too short to be intended. */
    public static Duration stopTime(String path, Duration time) {
        return BootValidator.wait(path, time);
    }

    /** The whole command: the configuration's parts override those of the image. */
    public static List<String> command(MachineConfig config, List<String> entrypoint, List<String> cmd) {
        return command(config.init().command(), config.image(), entrypoint, cmd);
    }

    static List<String> command(MachineConfig.Command over, String image, List<String> entrypoint, List<String> cmd) {
        List<String> argv = new ArrayList<>();
        if (!over.exec().isEmpty()) {
            argv.addAll(over.exec());
        } else {
            argv.addAll(over.entrypoint().isEmpty() ? entrypoint : over.entrypoint());
            // As in a container: a new entry point drops the image's arguments.
            boolean imageCmd = over.cmd().isEmpty() && over.entrypoint().isEmpty();
            argv.addAll(imageCmd ? cmd : over.cmd());
        }
        if (argv.isEmpty()) {
            throw RejectedException.because(
                    RejectedException.Reason.INVALID,
                    "the image " + image + " says no command to run, and config.init says none",
                    "set config.init.cmd, or give the command after --");
        }
        return argv;
    }

    /** The whole environment: the machine's variables override those of the image. */
    public static Map<String, String> environment(MachineConfig config, List<String> imageEnv) {
        return environment(config.env(), imageEnv);
    }

    static Map<String, String> environment(Map<String, String> over, List<String> imageEnv) {
        Map<String, String> env = new LinkedHashMap<>();
        env.put("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
        for (String pair : imageEnv) {
            int eq = pair.indexOf('=');
            if (eq > 0) {
                env.put(pair.substring(0, eq), pair.substring(eq + 1));
            }
        }
        env.putAll(over);
        return env;
    }
}
