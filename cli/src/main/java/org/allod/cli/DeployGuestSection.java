package org.allod.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.BiConsumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** The part of a deploy file about the guest: size, files, volumes, restart and stop behaviour. */
final class DeployGuestSection {
    private static final Pattern AMOUNT = Pattern.compile("(\\d{1,7})\\s*(mb|gb|m|g|mib|gib)?");
    private static final int LARGEST_FILE = 1 << 20;

    private final TomlTable file;
    private final Path folder;
    private final DeployGroupsSection all;

    DeployGuestSection(TomlTable file, Path folder, DeployGroupsSection all) {
        this.file = file;
        this.folder = folder;
        this.all = all;
    }

    void read() {
        stop();
        file.whole("swap_size_mb", 1, 1 << 20)
                .ifPresent(mb -> all.name(all.names(), "init", "swap_size_mb", Json.of(mb)));
        each(
                "metrics",
                (table, groups) -> all.put(
                        groups,
                        "metrics",
                        Json.obj(
                                "port",
                                table.whole("port", 1, 65_535).orElse(null),
                                "path",
                                table.text("path").orElse(null),
                                "https",
                                table.truth("https").orElse(null))));
        each("vm", this::vm);
        each("restart", (table, groups) -> all.put(groups, "restart", restart(table)));
        each("files", (table, groups) -> all.add(groups, "files", file(table)));
        each("mounts", (table, groups) -> all.add(groups, "mounts", mount(table)));
    }

    /** Applies each table of this name to its groups: those in its {@code processes}, else all. */
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
                // A number of seconds in fly.toml.
                ? file.whole("kill_timeout", 0, 300).map(seconds -> seconds + "s")
                : file.time("kill_timeout");
        if (signal.isPresent() || timeout.isPresent()) {
            Json stop = Json.obj("signal", signal.orElse(null), "timeout", timeout.orElse(null));
            all.put(all.names(), "stop_config", stop);
        }
    }

    /** A preset size is merged with explicit fields, which take precedence. */
    private void vm(TomlTable table, List<String> groups) {
        table.text("size").ifPresent(size -> all.put(groups, "size", Json.of(size)));
        Json guest = Json.obj(
                "cpu_kind",
                table.oneOf("cpu_kind", List.of("shared", "performance")).orElse(null),
                "cpus",
                table.whole("cpus", 1, 64).orElse(null),
                "memory_mb",
                memory(table).or(() -> table.whole("memory_mb", 1, 1 << 20)).orElse(null),
                "kernel_args",
                table.words("kernel_args").isEmpty() ? null : table.words("kernel_args"),
                "persist_rootfs",
                table.oneOf("persist_rootfs", List.of("never", "restart", "always"))
                        .orElse(null));
        if (!guest.map().isEmpty()) {
            all.put(groups, "guest", guest);
        }
        for (String gpu : List.of("gpus", "gpu_kind", "host_dedication_id")) {
            table.refuse(gpu, "hosts are your own and have no GPUs to give");
        }
    }

    private static Optional<Integer> memory(TomlTable table) {
        return table.isNumber("memory")
                ? table.whole("memory", 1, 1 << 20)
                : table.text("memory").map(text -> megabytes(table, "memory", text));
    }

    private static @Nullable Integer gigabytes(TomlTable table, String name) {
        return (table.isNumber(name)
                        ? table.whole(name, 1, 65_536)
                        : table.text(name).map(text -> {
                            int megabytes = megabytes(table, name, text);
                            if (megabytes < 1024 || megabytes % 1024 != 0) {
                                throw table.refused(
                                        name, "is \"" + text + "\"", "write whole gigabytes, as in \"10gb\"");
                            }
                            return megabytes / 1024;
                        }))
                .orElse(null);
    }

    private static int megabytes(TomlTable table, String name, String text) {
        Matcher m = AMOUNT.matcher(text.toLowerCase(Locale.ROOT));
        if (!m.matches()) {
            throw table.refused(name, "is \"" + text + "\"", "write it as \"512mb\" or \"1gb\"");
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
        for (String later : List.of("snapshot_retention", "scheduled_snapshots")) {
            table.warn(later, "it is the volume's own: `allod volume update` sets it");
        }
        return Json.obj(
                "name",
                source.orElse(null),
                "path",
                table.text("destination")
                        .orElseThrow(() -> table.refused("destination", "is missing", "the path in the guest")),
                "size_gb",
                gigabytes(table, "initial_size"),
                "extend_threshold_percent",
                // Generated files contain 0 for a volume that does not grow.
                table.whole("auto_extend_size_threshold", 0, 99)
                        .filter(percent -> percent > 0)
                        .orElse(null),
                "add_size_gb",
                gigabytes(table, "auto_extend_size_increment"),
                "size_gb_limit",
                gigabytes(table, "auto_extend_size_limit"));
    }
}
