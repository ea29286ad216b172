package org.allod.cli;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.allod.base.RejectedException;

/**
 * Translates an {@code allod.toml} or a {@code fly.toml} into the request for the daemon: one Machines API
 * configuration for each process group. A fly.toml field that cannot be honoured is refused, or reported as having no
 * effect if that changes nothing.
 *
 * @param app the app's name
 * @param request the body of the deploy
 */
record DeployPlan(String app, Json request) {
    /** The group of all machines if the file names no groups, as in fly.toml. */
    static final String USUAL_GROUP = "app";

    static final List<String> STRATEGIES = List.of("rolling", "immediate", "canary", "bluegreen", "blue-green");

    /** Command-line values that override the file. */
    record Over(Optional<String> app, Optional<String> image, Optional<String> strategy) {}

    static DeployPlan of(TomlTable file, Path folder, Over over) {
        Optional<String> named = file.text("app");
        String app = over.app()
                .or(() -> named)
                .orElseThrow(() -> RejectedException.because(
                        RejectedException.Reason.INVALID,
                        "the configuration names no app",
                        "write app = \"NAME\" at its top, or add --app NAME"));
        Optional<String> whole = file.text("image");
        Optional<String> built = built(file, over.image().or(() -> whole).isPresent());
        Optional<String> image = whole.or(() -> built);
        String runs = over.image()
                .or(() -> image)
                .map(MachineRunCommand::image)
                .orElseThrow(() -> RejectedException.because(
                        RejectedException.Reason.INVALID,
                        "the configuration names no image",
                        "write image = \"REFERENCE\" at its top, or add --image REFERENCE"));
        Map<String, String> groups = file.isEmptyList("processes") ? Map.of() : file.texts("processes");
        List<String> names = groups.isEmpty() ? List.of(USUAL_GROUP) : List.copyOf(groups.keySet());
        DeployGroupsSection all = new DeployGroupsSection(names);
        all.put(names, "image", Json.of(runs));
        groups.forEach((name, command) -> {
            if (!command.isBlank()) {
                all.put(List.of(name), "init", Json.obj("cmd", ImageCommands.command(command)));
            }
        });
        Map<String, String> env = file.texts("env");
        if (!env.isEmpty()) {
            all.put(names, "env", Json.of(env));
        }
        experimental(file, all);
        new DeployGuestSection(file, folder, all).read();
        new DeployServicesSection(file, all).read();
        Map<String, Object> request = new LinkedHashMap<>();
        Map<String, Integer> counts = options(file, names, over, request);
        refuseUnsupported(file);
        file.done();
        request.put("groups", all.request(counts));
        return new DeployPlan(app, Json.of(request));
    }

    /**
     * The image that {@code [build]} names. Build instructions have no effect if an image is given, as in fly.toml, and
     * are refused if none is.
     */
    private static Optional<String> built(TomlTable file, boolean named) {
        Optional<TomlTable> build = file.table("build");
        if (build.isEmpty()) {
            return Optional.empty();
        }
        TomlTable table = build.get();
        Optional<String> image = table.text("image");
        for (String builder : List.of(
                "builder",
                "buildpacks",
                "dockerfile",
                "build-target",
                "args",
                "settings",
                "builtin",
                "ignorefile",
                "compression",
                "compression_level")) {
            if (named || image.isPresent()) {
                table.warn(builder, "a deploy builds no image; it runs the given one");
            } else {
                table.refuse(
                        builder, "images are not built by a deploy", "build one, then name it with image or --image");
            }
        }
        table.done();
        return image;
    }

    /** {@code [deploy]}: the strategy, and the number of machines of each group. */
    private static Map<String, Integer> options(
            TomlTable file, List<String> groups, Over over, Map<String, Object> request) {
        Map<String, Integer> counts = new LinkedHashMap<>();
        Optional<TomlTable> table = file.table("deploy");
        String strategy = "rolling";
        if (table.isPresent()) {
            TomlTable deploy = table.get();
            strategy = deploy.oneOf("strategy", STRATEGIES).orElse(strategy);
            deploy.number("max_unavailable").ifPresent(n -> request.put("max_unavailable", n));
            deploy.time("wait_timeout").ifPresent(t -> request.put("wait_timeout", t));
            counts(deploy, groups, counts);
            release(deploy, request);
            deploy.refuse("release_command_vm", "the command's machine is as large as those of the first group");
            deploy.refuse("seed_command", "run it once with `allod machine run --rm IMAGE -- COMMAND`");
            deploy.done();
        }
        request.put("strategy", over.strategy().orElse(strategy));
        return counts;
    }

    /** The release command, which must succeed before any machine is changed. */
    private static void release(TomlTable deploy, Map<String, Object> request) {
        Optional<String> command = deploy.text("release_command").filter(line -> !line.isBlank());
        if (command.isEmpty()) {
            deploy.warn("release_command_timeout", "there is no release_command");
            return;
        }
        request.put(
                "release",
                Json.obj(
                        "command", ImageCommands.command(command.get()),
                        "timeout", deploy.time("release_command_timeout").orElse(null)));
    }

    private static void counts(TomlTable deploy, List<String> groups, Map<String, Integer> counts) {
        if (!deploy.has("count")) {
            deploy.whole("count", 0, 200);
            return;
        }
        if (!deploy.isTable("count")) {
            int each = deploy.whole("count", 0, 200).orElse(1);
            groups.forEach(group -> counts.put(group, each));
            return;
        }
        TomlTable each = deploy.table("count").orElseThrow();
        groups.forEach(group -> each.whole(group, 0, 200).ifPresent(n -> counts.put(group, n)));
        each.done();
    }

    private static void refuseUnsupported(TomlTable file) {
        file.warn("primary_region", "a daemon runs machines of its own host");
        file.warn("console_command", "`allod machine exec` takes the command to run");
        file.warn("host_dedication_id", "the host is yours");
        for (String later : List.of("mcp", "machine_checks")) {
            file.refuse(later, "this version does not implement it");
        }
    }

    /**
     * {@code [experimental]}: accepts what old files say about the command; other fields only if they request the
     * normal behaviour.
     */
    private static void experimental(TomlTable file, DeployGroupsSection all) {
        Optional<TomlTable> table = file.table("experimental");
        if (table.isEmpty()) {
            return;
        }
        TomlTable old = table.get();
        for (String words : List.of("cmd", "entrypoint", "exec")) {
            if (!old.words(words).isEmpty()) {
                all.name(all.names(), "init", words, Json.of(old.words(words)));
            }
        }
        old.mustBe("auto_rollback", true, "a deploy that fails is always taken back");
        old.mustBe("private_network", true, "every app has its private network");
        old.mustBe("enable_consul", false, "there is no Consul here");
        old.mustBe("enable_etcd", false, "an app gets no etcd here");
        if (!old.isEmptyList("allowed_public_ports")) {
            old.refuse("allowed_public_ports", "the ports of [[services]] are the public ones");
        }
        old.done();
    }
}
