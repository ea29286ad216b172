package org.allod.runtime;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.allod.base.IdGenerator;
import org.allod.base.MachineId;
import org.allod.base.Rng;
import org.allod.base.SystemClock;
import org.allod.base.SystemTimers;
import org.allod.linux.Command;

/**
 * Fixture for tests with real guests: runtime resources of its own, a tiny image made from Debian's busybox, and
 * helpers to inspect guests.
 */
final class GuestStartBench implements AutoCloseable {
    static final int PORT = 8080;
    static final GuestSpec.Net NET = new GuestSpec.Net(0x0123456789L, 7);
    /** A web server that says which process it is, so that a restart shows. */
    static final List<String> SERVER = List.of(
            "/bin/sh", "-c", "cat /proc/sys/kernel/random/uuid > /www/boot; exec httpd -f -p [::]:8080 -h /www");

    final SystemClock clock = new SystemClock();
    final SystemTimers timers = new SystemTimers();
    final IdGenerator ids = new IdGenerator(clock, Rng.system());
    final String instance;
    final Path folder;
    final RuntimeResources resources;
    final Path image;

    GuestStartBench(Path folder, String instance) {
        this.folder = folder;
        this.instance = instance;
        RuntimeConfig config = RuntimeConfig.of(folder.resolve("data"), tools(folder), NetworkConfig.closed(instance));
        this.resources = new RuntimeResources(config, clock, timers);
        this.image = image(folder);
    }

    /** What the runtimes need, in one folder: PID 1 as this clone's source has it, runsc from wherever it is. */
    private static Path tools(Path folder) {
        try {
            Path tools = Files.createDirectories(folder.resolve("tools"));
            if (!Files.exists(tools.resolve("runsc"))) {
                Files.createSymbolicLink(tools.resolve("allod-guest"), GuestBinary.path());
                Files.createSymbolicLink(tools.resolve("runsc"), runsc());
            }
            return tools;
        } catch (IOException e) {
            throw new AssertionError("cannot gather the tools", e);
        }
    }

    static Path runsc() {
        return Stream.of(
                        GuestBinary.tools().resolve("runsc"),
                        Path.of("/usr/local/bin/runsc"),
                        Path.of(System.getProperty("user.home"), "go/bin/runsc"),
                        Path.of("/usr/bin/runsc"))
                .filter(Files::isExecutable)
                .findFirst()
                .orElseThrow(() -> new AssertionError("no runsc: put one into " + GuestBinary.tools()));
    }

    private static Path image(Path folder) {
        Path file = folder.resolve("busybox.erofs");
        if (Files.exists(file)) {
            return file;
        }
        try {
            Path tree = folder.resolve("tree");
            for (String name : List.of("bin", "www", "etc", "root", "tmp")) {
                Files.createDirectories(tree.resolve(name));
            }
            Files.copy(Path.of("/bin/busybox"), tree.resolve("bin/busybox"));
            for (String name :
                    Command.of("/bin/busybox", "--list").output().lines().toList()) {
                if (!name.equals("busybox")) {
                    Files.createSymbolicLink(tree.resolve("bin").resolve(name), Path.of("busybox"));
                }
            }
            Files.writeString(tree.resolve("www/index.html"), "hello");
            garbage(tree.resolve("bin/garbage"));
            Files.writeString(tree.resolve("tmp/keep"), "so that nothing is mounted over an empty folder");
            Files.writeString(tree.resolve("etc/passwd"), "root:x:0:0::/root:/bin/sh\n");
            Command.of("mkfs.erofs", file.toString(), tree.toString()).output();
            return file;
        } catch (IOException e) {
            throw new AssertionError("cannot make the test image", e);
        }
    }

    /** A program that only means harm, built by what builds PID 1. */
    private static void garbage(Path to) {
        String path = System.getenv("PATH") + ":" + System.getProperty("user.home") + "/.cargo/bin";
        Path source = GuestBinary.here().resolve("runtime/src/test/rust/garbage.rs");
        Command.of(
                        "env",
                        "PATH=" + path,
                        "rustc",
                        "-C",
                        "target-feature=+crt-static",
                        "-o",
                        to.toString(),
                        source.toString())
                .timeout(Duration.ofMinutes(1))
                .output();
    }

    GuestSpec spec(MachineId machine, List<String> argv) {
        return new GuestSpec(
                machine,
                ids.ulid().toString(),
                image,
                1,
                128,
                32,
                argv,
                Map.of("PATH", "/bin", "GREETING", "hello from outside"),
                "/",
                Optional.empty(),
                false,
                "guest-" + machine.text().substring(10),
                List.of(new GuestSpec.File("/etc/note", "a note".getBytes(StandardCharsets.UTF_8), 0600)),
                NET);
    }

    /** What the web server of a guest answers for a path; empty where it does not. */
    static Optional<String> get(MachineId machine, String path) {
        try (Socket socket = new Socket()) {
            socket.connect(new InetSocketAddress(NET.address(machine), PORT), 250);
            socket.setSoTimeout(2000);
            socket.getOutputStream().write(("GET " + path + " HTTP/1.0\r\n\r\n").getBytes(StandardCharsets.US_ASCII));
            String answer = new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            int body = answer.indexOf("\r\n\r\n");
            return answer.startsWith("HTTP/1.") && answer.startsWith(" 200", 8) && body > 0
                    ? Optional.of(answer.substring(body + 4).strip())
                    : Optional.empty();
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    /** The same, trying until there is an answer. */
    static String await(MachineId machine, String path) {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
        Optional<String> answer = get(machine, path);
        while (answer.isEmpty() && System.nanoTime() < end) {
            Thread.onSpinWait();
            answer = get(machine, path);
        }
        return answer.orElseThrow(() -> new AssertionError("machine " + machine + " does not answer"));
    }

    /** How a command inside ended, and what it said. */
    record Ran(ExitStatus exit, String out, String err) {}

    static Ran run(Guest guest, String... argv) throws Exception {
        try (Exec exec = guest.exec(ExecSpec.of(argv))) {
            exec.stdin().close();
            var err = java.util.concurrent.CompletableFuture.supplyAsync(() -> text(exec.stderr()));
            String out = text(exec.stdout());
            return new Ran(exec.exited().get(20, TimeUnit.SECONDS), out, err.get(20, TimeUnit.SECONDS));
        }
    }

    private static String text(java.io.InputStream stream) {
        try {
            return new String(stream.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            return "broken: " + e.getMessage();
        }
    }

    /** Everything on this host that bears the machine's name: there must be none once it is removed. */
    String traces(MachineId machine) {
        String id = machine.text();
        return Command.of(
                        "sh",
                        "-c",
                        "ls -d /run/netns/*" + id + " /sys/class/net/*" + id.substring(2) + " /sys/fs/cgroup/*/*/" + id
                                + " " + resources.run(machine) + " " + resources.folder(machine)
                                + " 2>/dev/null; grep " + id + " /proc/self/mountinfo; for p in /proc/[0-9]*; do"
                                + " tr '\\0' ' ' < $p/cmdline 2>/dev/null | grep -v 'sh -c' | grep " + id + "; done;"
                                + " nft list table inet allod_" + instance + " 2>/dev/null | grep "
                                + id.substring(2))
                .run()
                .out();
    }

    @Override
    public void close() {
        resources.present().forEach(machine -> new GVisorRuntime(resources).remove(machine));
        resources.close();
        resources.dismantle();
        timers.close();
        try {
            Files.delete(resources.config().guestBinary());
            Files.delete(resources.config().tools().resolve("runsc"));
        } catch (IOException e) {
            throw new AssertionError("the tools were taken away", e);
        }
    }

    /** Where the host reaches a machine by IPv4: the one route there is by its device. */
    static String address4(MachineId machine) {
        String routes = Command.of("ip", "-4", "route", "show", "dev", MachineLink.device(machine))
                .output();
        return routes.strip().split(" ", -1)[0];
    }
}
