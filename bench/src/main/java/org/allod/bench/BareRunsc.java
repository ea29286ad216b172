package org.allod.bench;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.allod.base.FailedException;
import org.allod.linux.Command;
import org.allod.linux.Mounts;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * The floor of a sandbox: the same runsc on the same root file system with the same server, on the command line and
 * without Allod. Its network is created before and refreshed between runs, outside the measurement; it has no control
 * group.
 */
final class BareRunsc implements AutoCloseable {
    private static final JsonMapper JSON = new JsonMapper();
    private static final String NAMESPACE = "allod-bench";
    private static final String DEVICE = "aldbench";
    private static final String HOST = "fd00:a110:d:be::1";
    private static final String GUEST = "fd00:a110:d:be::2";
    private static final String MAC = "02:a1:10:d0:be:02";

    private final Path folder;
    private final List<String> runsc;
    private int count;

    /**
     * @param folder for its state
     * @param like the folder of a daemon that has chosen a runsc and its options
     * @param machine the machine whose root file system it uses
     */
    BareRunsc(Path folder, Path like, String machine) throws IOException {
        this.folder = folder;
        String[] how = Files.readAllLines(like.resolve("runsc-choice")).get(1).split(" ", 3);
        if (!how[1].equals("sandbox")) {
            throw new FailedException(
                    "this host's runsc shares the host's network stack, of which no floor can be measured here");
        }
        runsc = List.of(
                how[2],
                "--root=" + folder.resolve("state"),
                "--platform=" + how[0],
                "--network=sandbox",
                "--ignore-cgroups",
                "--overlay2=root:dir=" + folder.resolve("upper") + ",size=" + (256L << 20),
                "--shared-root=" + folder.resolve("shared"));
        for (String name : List.of("state", "upper", "shared", "bundle", "short")) {
            Files.createDirectories(folder.resolve(name));
        }
        Path config = like.resolve("machines").resolve(machine).resolve("gvisor/bundle/config.json");
        JsonNode machines = JSON.readTree(Files.readString(config));
        Files.writeString(folder.resolve("bundle/config.json"), bundle(machines, BenchDaemon.SERVER));
        Files.writeString(folder.resolve("short/config.json"), bundle(machines, List.of("/bin/busybox", "true")));
        removeNetwork();
        ip(
                List.of(),
                List.of(
                        "netns add " + NAMESPACE,
                        "link add name " + DEVICE + " type veth peer name eth0 address " + MAC + " netns " + NAMESPACE,
                        "link set dev " + DEVICE + " up",
                        "addr replace " + HOST + "/64 dev " + DEVICE + " nodad",
                        "neigh replace " + GUEST + " lladdr " + MAC + " dev " + DEVICE + " nud permanent"));
    }

    /**
     * The machine's own bundle, with the command as PID 1 and without channel, in this benchmark's namespace and no
     * control group.
     */
    private static String bundle(JsonNode machine, List<String> command) {
        ObjectNode config = (ObjectNode) machine;
        ArrayNode args = ((ObjectNode) config.get("process")).putArray("args");
        command.forEach(args::add);
        ArrayNode mounts = JSON.createArrayNode();
        for (JsonNode mount : config.get("mounts")) {
            if (!mount.get("type").stringValue().equals("bind")) {
                mounts.add(mount);
            }
        }
        config.set("mounts", mounts);
        ArrayNode namespaces = config.putObject("linux").putArray("namespaces");
        for (String type : List.of("pid", "ipc", "uts", "mount")) {
            namespaces.addObject().put("type", type);
        }
        namespaces.addObject().put("type", "network").put("path", "/run/netns/" + NAMESPACE);
        return config.toString();
    }

    private InetSocketAddress server() {
        return new InetSocketAddress(GUEST, BenchDaemon.PORT);
    }

    /** A running sandbox. */
    final class Running implements AutoCloseable {
        private final String id;
        private final Process process;
        final double firstByte;

        private Running(List<String> command) throws IOException {
            // A fixed length, because runsc accepts any unique prefix as a name.
            id = "bench%06d".formatted(++count);
            // runsc has taken the addresses off the device.
            ip(
                    List.of("-netns", NAMESPACE),
                    List.of(
                            "link set dev lo up",
                            "link set dev eth0 up",
                            "addr replace " + GUEST + "/64 dev eth0 nodad",
                            "route replace default via " + HOST + " dev eth0"));
            List<String> line = line(command);
            line.add(id);
            long began = System.nanoTime();
            process = new ProcessBuilder(line)
                    .redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.appendTo(log().toFile()))
                    .start();
            try {
                firstByte = FirstByte.whenUp(server(), "bare", began);
            } catch (IOException | RuntimeException e) {
                close();
                throw new FailedException(
                        "bare runsc did not serve: " + e.getMessage() + ": " + Files.readString(log()), e);
            }
        }

        /** Milliseconds that `runsc exec` of a command takes. */
        double exec(String... command) {
            List<String> line = line(List.of("exec", id));
            line.addAll(List.of(command));
            return timed(line);
        }

        /** Saves it, which ends it. */
        void checkpoint(Path image) {
            List<String> line = line(List.of("checkpoint", "--image-path=" + image, id));
            var _ = Command.of(line).output();
        }

        @Override
        public void close() {
            List<String> line = line(List.of("delete", "--force", id));
            var _ = Command.of(line).run();
            process.destroy();
            try {
                if (!process.waitFor(5, TimeUnit.SECONDS)) {
                    process.destroyForcibly().waitFor();
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }

    Running run() throws IOException {
        return new Running(List.of("run", "--bundle=" + folder.resolve("bundle")));
    }

    /** Saves a sandbox for {@link #restore}. */
    void save() throws IOException {
        Path image = Files.createDirectories(folder.resolve("image"));
        try (Running one = run()) {
            one.checkpoint(image);
        }
    }

    Running restore() throws IOException {
        return new Running(
                List.of("restore", "--bundle=" + folder.resolve("bundle"), "--image-path=" + folder.resolve("image")));
    }

    /** Runs {@code true} in a sandbox without a network, in the foreground, so that runsc deletes it at its end. */
    void life(int number) {
        List<String> line = line(List.of("run", "--bundle=" + folder.resolve("short"), "life%06d".formatted(number)));
        line.set(line.indexOf("--network=sandbox"), "--network=none");
        var _ = Command.of(line).output();
    }

    private List<String> line(List<String> command) {
        List<String> line = new ArrayList<>(runsc);
        line.addAll(command);
        return line;
    }

    private Path log() {
        return folder.resolve("runsc.log");
    }

    /** Milliseconds that a command takes as a process; throws if it fails. */
    static double timed(List<String> line) {
        long began = System.nanoTime();
        var _ = Command.of(line).output();
        return (System.nanoTime() - began) / 1e6;
    }

    private static void removeNetwork() {
        String lines = "link del dev " + DEVICE + "\nnetns del " + NAMESPACE + "\n";
        var _ = Command.of("ip", "-force", "-batch", "-").input(lines).run();
    }

    private static void ip(List<String> options, List<String> lines) {
        List<String> line = new ArrayList<>(List.of("ip"));
        line.addAll(options);
        line.addAll(List.of("-batch", "-"));
        var _ = Command.of(line).input(String.join("\n", lines) + "\n").output();
    }

    @Override
    public void close() {
        removeNetwork();
        // The empty namespace of its file servers stays mounted.
        Mounts.detach(folder.resolve("shared/null-netns"));
    }
}
