package org.allod.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiConsumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The part of a deploy's file that is about the guest: its size, files, volumes, and how it ends and begins again. */
final class DeployGuest {
    private static final Pattern SIZE = Pattern.compile("(shared-cpu|performance|shared|dedicated-cpu)-(\\d{1,2})x");
    private static final Pattern AMOUNT = Pattern.compile("(\\d{1,7})\\s*(mb|gb|m|g|mib|gib)?");
    private static final int LARGEST_FILE = 1 << 20;

    private final TomlTable file;
    private final Path folder;
    private final DeployGroups all;

    DeployGuest(TomlTable file, Path folder, DeployGroups all) {
        this.file = file;
        this.folder = folder;
        this.all = all;
    }

    void read() {
        stop();
        each("vm", (table, groups) -> all.put(groups, "guest", vm(table)));
        each("restart", (table, groups) -> all.put(groups, "restart", restart(table)));
        each("files", (table, groups) -> all.add(groups, "files", file(table)));
        each("mounts", (table, groups) -> all.add(groups, "mounts", mount(table)));
    }

    /** Each table of this name, with the groups it is for: those in its {@code processes}, else all. */
    private void each(String name, BiConsumer<TomlTable, List<String>> use) {
        for (TomlTable table : file.tables(name)) {
            List<String> groups = all.of(table);
            use.accept(table, groups);
            table.done();
        }
    }

    private void stop() {
        Optional<String> signal = file.text("kill_signal");
        Optional<String> timeout = file.isNumber("kill_timeout")
                // Seconds, as fly.toml has it.
                ? file.whole("kill_timeout", 0, 300).map(seconds -> seconds + "s")
                : file.time("kill_timeout");
        if (signal.isPresent() || timeout.isPresent()) {
            Json stop = Json.obj("signal", signal.orElse(null), "timeout", timeout.orElse(null));
            all.put(all.names(), "stop_config", stop);
        }
    }

    private static Json vm(TomlTable table) {
        Optional<String> size = table.text("size");
        Map<String, Object> guest = new LinkedHashMap<>();
        size.ifPresent(text -> {
            Matcher m = SIZE.matcher(text);
            if (!m.matches()) {
                throw table.refused(
                        "size",
                        "is \"" + text + "\"",
                        "write shared-cpu-1x … shared-cpu-8x or performance-1x …, or cpus and memory");
            }
            int cpus = Integer.parseInt(m.group(2));
            boolean shared = m.group(1).startsWith("shared");
            guest.put("cpu_kind", shared ? "shared" : "performance");
            guest.put("cpus", cpus);
            guest.put("memory_mb", cpus * (shared ? 256 : 2048));
        });
        table.oneOf("cpu_kind", List.of("shared", "performance")).ifPresent(kind -> guest.put("cpu_kind", kind));
        table.whole("cpus", 1, 64).ifPresent(n -> guest.put("cpus", n));
        table.whole("memory_mb", 1, 1 << 20).ifPresent(n -> guest.put("memory_mb", n));
        (table.isNumber("memory") ? table.whole("memory", 1, 1 << 20).map(String::valueOf) : table.text("memory"))
                .ifPresent(text -> guest.put("memory_mb", megabytes(table, text)));
        for (String gpu : List.of("gpus", "gpu_kind", "kernel_args", "host_dedication_id", "persist_rootfs")) {
            table.refuse(gpu, "this version has nothing behind it");
        }
        return Json.of(guest);
    }

    private static int megabytes(TomlTable table, String text) {
        Matcher m = AMOUNT.matcher(text.toLowerCase(Locale.ROOT));
        if (!m.matches()) {
            throw table.refused("memory", "is \"" + text + "\"", "write it as \"512mb\" or \"1gb\"");
        }
        boolean giga = m.group(2) != null && m.group(2).startsWith("g");
        return Integer.parseInt(m.group(1)) * (giga ? 1024 : 1);
    }

    private static Json restart(TomlTable table) {
        Optional<String> policy = table.oneOf("policy", List.of("always", "never", "no", "on-failure", "on-fail"));
        Optional<Integer> retries = table.whole("retries", 0, 1_000_000);
        return Json.obj(
                "policy",
                policy.map(p -> p.equals("never") ? "no" : p.equals("on-fail") ? "on-failure" : p)
                        .orElse(null),
                "max_retries",
                retries.orElse(null));
    }

    private Json file(TomlTable table) {
        Optional<String> local = table.text("local_path");
        Optional<String> raw = table.text("raw_value");
        Optional<String> secret = table.text("secret_name");
        Optional<Integer> mode = table.whole("mode", 0, 07777);
        long given =
                List.of(local, raw, secret).stream().filter(Optional::isPresent).count();
        if (given != 1) {
            throw table.refused(
                    "guest_path", "has " + given + " contents", "give one of local_path, raw_value and secret_name");
        }
        return Json.obj(
                "guest_path",
                table.text("guest_path").orElse(null),
                "raw_value",
                local.map(path -> Base64.getEncoder().encodeToString(content(table, path)))
                        .or(() -> raw)
                        .orElse(null),
                "secret_name",
                secret.orElse(null),
                "mode",
                mode.orElse(null));
    }

    private byte[] content(TomlTable table, String path) {
        Path from = folder.resolve(path);
        try {
            if (Files.size(from) > LARGEST_FILE) {
                throw table.refused("local_path", "names a file of " + Files.size(from) + " bytes", "at most 1 MiB");
            }
            return Files.readAllBytes(from);
        } catch (IOException e) {
            throw table.refused(
                    "local_path",
                    "is \"" + path + "\", which cannot be read",
                    "paths are relative to " + folder.toAbsolutePath().normalize());
        }
    }

    private static Json mount(TomlTable table) {
        Optional<String> source = table.text("source");
        for (String later : List.of(
                "snapshot_retention",
                "scheduled_snapshots",
                "auto_extend_size_threshold",
                "auto_extend_size_increment",
                "auto_extend_size_limit")) {
            table.refuse(later, "set it on the volume itself");
        }
        table.warn("initial_size", "a deploy makes no volumes: make them with POST /v1/apps/APP/volumes");
        return Json.obj(
                "name",
                source.orElse(null),
                "path",
                table.text("destination")
                        .orElseThrow(() -> table.refused("destination", "is missing", "the path in the guest")));
    }
}
