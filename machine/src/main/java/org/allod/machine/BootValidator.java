package org.allod.machine;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.allod.base.RejectedException;
import tools.jackson.databind.JsonNode;

/**
 * Refuses, when a machine is created or updated, configurations that no guest could boot with, so that the caller
 * learns it from an error naming the field and not from a guest that exits again and again. Stored records are not
 * checked: they were accepted and must stay readable.
 */
final class BootValidator {
    /** The longest argument or variable without its final NUL: MAX_ARG_STRLEN of Linux, also the limit of gVisor. */
    private static final int LONGEST_WORD = 131_071;

    /** The bound of one environment or one command; a kernel takes two megabytes for both, secrets included. */
    private static final int ALL_WORDS = 512 << 10;

    private static final int LONGEST_PATH = 4_095;
    private static final int LONGEST_NAME = 255;
    private static final Set<String> NO_FILES = Set.of("proc", "sys", "dev", ".allod");

    /** Headers that the health checker sets itself. */
    private static final Set<String> OWN_HEADERS = Set.of("connection", "content-length", "transfer-encoding");

    private static final Duration LEAST_INTERVAL = Duration.ofMillis(100);
    private static final Duration LEAST_TIME = Duration.ofMillis(1);
    private static final Duration ANY = Duration.ofDays(1);

    private BootValidator() {}

    static void check(MachineConfig config) {
        environment("config.env", config.env());
        command("config.init", config.init().command());
        files("config.files", config.files());
        for (int i = 0; i < config.processes().size(); i++) {
            ProcessConfig process = config.processes().get(i);
            String path = "config.processes[" + i + "]";
            environment(path + ".env", process.env());
            command(path, process.command());
        }
        for (int i = 0; i < config.containers().size(); i++) {
            container("config.containers[" + i + "]", config.containers().get(i));
        }
        config.metadata().forEach((key, value) -> MetadataPatch.check("config.metadata", key, value));
        times(config.json());
    }

    private static void container(String path, ContainerConfig container) {
        environment(path + ".env", container.env());
        command(path, container.command());
        files(path + ".files", container.files());
        for (int i = 0; i < container.healthchecks().size(); i++) {
            if (container.healthchecks().get(i).question()
                    instanceof ContainerConfig.Question.Exec(List<String> argv)) {
                words(path + ".healthchecks[" + i + "].exec.command", argv);
            }
        }
    }

    private static void environment(String path, Map<String, String> env) {
        int all = 0;
        for (Map.Entry<String, String> variable : env.entrySet()) {
            String word = variable.getKey() + "=" + variable.getValue();
            all += word(path + "." + StrictJsonReader.clip(variable.getKey()), word);
        }
        together(path, all);
    }

    private static void command(String path, MachineConfig.Command command) {
        words(path + ".exec", command.exec());
        words(path + ".entrypoint", command.entrypoint());
        words(path + ".cmd", command.cmd());
    }

    /** Refuses a command that no kernel takes. */
    static void words(String path, List<String> argv) {
        int all = 0;
        for (int i = 0; i < argv.size(); i++) {
            all += word(path + "[" + i + "]", argv.get(i));
        }
        together(path, all);
        if (!argv.isEmpty() && argv.getFirst().isEmpty() && !path.endsWith(".cmd")) {
            throw RejectedException.invalid(path + "[0] is \"\": it must name a program");
        }
    }

    private static int word(String path, String word) {
        if (word.indexOf('\0') >= 0) {
            throw RejectedException.invalid(path + " has a NUL character, which no argument and no variable can hold");
        }
        if (!StandardCharsets.UTF_8.newEncoder().canEncode(word)) {
            throw RejectedException.invalid(path + " is not text: it has half of a character");
        }
        int bytes = word.getBytes(StandardCharsets.UTF_8).length;
        if (bytes > LONGEST_WORD) {
            throw RejectedException.because(
                    RejectedException.Reason.INVALID,
                    "%s is %d bytes: an argument, or a variable with its name, may have %d"
                            .formatted(path, bytes, LONGEST_WORD),
                    "what is large belongs in a file: config.files");
        }
        return bytes;
    }

    private static void together(String path, int bytes) {
        if (bytes > ALL_WORDS) {
            throw RejectedException.because(
                    RejectedException.Reason.INVALID,
                    "%s is %d bytes together: it may have %d".formatted(path, bytes, ALL_WORDS),
                    "what is large belongs in a file: config.files");
        }
    }

    private static void files(String path, List<MachineConfig.File> files) {
        Set<String> places = new HashSet<>();
        for (int i = 0; i < files.size(); i++) {
            String place = files.get(i).path();
            String field = path + "[" + i + "].guest_path";
            plain(field, place);
            if (!places.add(place)) {
                throw RejectedException.invalid(
                        "%s is \"%s\", and so is another file's".formatted(field, StrictJsonReader.clip(place)));
            }
        }
        for (int i = 0; i < files.size(); i++) {
            String place = files.get(i).path();
            for (int slash = place.lastIndexOf('/'); slash > 0; slash = place.lastIndexOf('/', slash - 1)) {
                if (places.contains(place.substring(0, slash))) {
                    throw RejectedException.invalid(
                            "%s[%d].guest_path is \"%s\", and %s is a file too: it cannot be a folder"
                                    .formatted(path, i, StrictJsonReader.clip(place), place.substring(0, slash)));
                }
            }
        }
    }

    private static void plain(String field, String place) {
        List<String> names = List.of(place.substring(1).split("/", -1));
        boolean good = place.getBytes(StandardCharsets.UTF_8).length <= LONGEST_PATH
                && place.chars().noneMatch(c -> c < 0x20 || c == 0x7f)
                && StandardCharsets.UTF_8.newEncoder().canEncode(place)
                && names.stream()
                        .noneMatch(name -> name.isEmpty()
                                || name.equals(".")
                                || name.equals("..")
                                || name.getBytes(StandardCharsets.UTF_8).length > LONGEST_NAME);
        if (!good) {
            throw RejectedException.invalid(
                    ("%s is \"%s\": it must be an absolute path, plainly written, of at most %d bytes with"
                                    + " names of at most %d")
                            .formatted(field, StrictJsonReader.clip(place), LONGEST_PATH, LONGEST_NAME));
        }
        if (NO_FILES.contains(names.getFirst()) && !place.startsWith("/dev/shm/")) {
            throw RejectedException.invalid(
                    "%s is \"%s\": the kernel's /proc, /sys and /dev take no files (but /dev/shm)"
                            .formatted(field, StrictJsonReader.clip(place)));
        }
    }

    /** A bare number means nanoseconds, as Go clients send it. Whoever means seconds gets an error for a tiny value. */
    private static void times(JsonNode config) {
        config.path("checks").properties().forEach(e -> probe("config.checks." + e.getKey(), e.getValue()));
        for (int s = 0; s < config.path("services").size(); s++) {
            JsonNode checks = config.path("services").path(s).path("checks");
            for (int c = 0; c < checks.size(); c++) {
                probe("config.services[" + s + "].checks[" + c + "]", checks.path(c));
            }
        }
        least("config.stop_config", config.path("stop_config"), "timeout", LEAST_TIME);
        for (int c = 0; c < config.path("containers").size(); c++) {
            JsonNode stop = config.path("containers").path(c).path("stop");
            least("config.containers[" + c + "].stop", stop, "timeout", LEAST_TIME);
        }
    }

    private static void probe(String path, JsonNode check) {
        JsonNode headers = check.path("headers");
        for (int i = 0; i < headers.size(); i++) {
            String name = headers.path(i).path("name").asString("");
            if (OWN_HEADERS.contains(name.toLowerCase(Locale.ROOT))) {
                throw RejectedException.invalid("%s.headers[%d].name is \"%s\": that one the check says itself"
                        .formatted(path, i, StrictJsonReader.clip(name)));
            }
        }
        least(path, check, "interval", LEAST_INTERVAL);
        least(path, check, "timeout", LEAST_TIME);
        least(path, check, "grace_period", LEAST_TIME);
    }

    private static void least(String path, JsonNode object, String name, Duration least) {
        if (object.isObject()) {
            StrictJsonReader.of(object, path).duration(name, ANY).ifPresent(d -> least(path + "." + name, d, least));
        }
    }

    /** Refuses a time that is too short to be intended; zero means the default. */
    static void least(String field, Duration time, Duration least) {
        if (!time.isZero() && time.compareTo(least) < 0) {
            throw RejectedException.because(
                    RejectedException.Reason.INVALID,
                    "%s is %d ns: it must be %s at least".formatted(field, time.toNanos(), GoDuration.text(least)),
                    "a number is nanoseconds; say \"10s\" for ten seconds");
        }
    }

    /** The same for the timeout of a stop. */
    static Duration wait(String field, Duration time) {
        least(field, time, LEAST_TIME);
        return time;
    }
}
