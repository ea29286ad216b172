package org.allod.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Setup and up with obstacles: no root, no network, no Debian, a port that is taken. */
class SetupTest {
    @TempDir
    Path data;

    /** Installs a package that exists and is not here, for want of anything to install in the real table. */
    static final class Install {
        private Install() {}

        static void main(String[] args) {
            try {
                List<DebianPackages.Need> needs = List.of(new DebianPackages.Need(args[0], "to be tested", ""));
                List<DebianPackages.Need> missing = DebianPackages.missing(needs);
                System.out.println("missing " + missing.size());
                DebianPackages.install(missing);
            } catch (RuntimeException e) {
                ErrorPrinter.print(e, Console.ofProcess(), false, false);
                System.exit(ExitCode.of(e));
            }
        }
    }

    private static List<String> install(String... before) {
        List<String> argv = new ArrayList<>(List.of(before));
        List<String> java = Ran.command();
        argv.addAll(java.subList(0, java.size() - 1));
        argv.add(Install.class.getName());
        return argv;
    }

    private static List<String> with(List<String> argv, String... more) {
        List<String> all = new ArrayList<>(argv);
        all.addAll(List.of(more));
        return all;
    }

    @Test
    void packages_installedOnes_areNotMissing() {
        assertThat(DebianPackages.missing(List.of(
                        new DebianPackages.Need("coreutils", "", ""),
                        new DebianPackages.Need("no-such-package-anywhere", "", ""))))
                .extracting(DebianPackages.Need::name)
                .containsExactly("no-such-package-anywhere");
    }

    @Test
    void packages_everyOne_hasAReason() {
        List<DebianPackages.Need> all = new ArrayList<>(DebianPackages.TO_RUN);
        all.addAll(DebianPackages.TO_TEST);
        assertThat(all).allSatisfy(need -> assertThat(need.reason()).isNotBlank());
        assertThat(all).extracting(DebianPackages.Need::name).doesNotHaveDuplicates();
    }

    @Test
    void packages_withoutRoot_saysWhatToInstall() throws Exception {
        Ran ran = asNobody(with(install(), "no-such-package-anywhere"));

        assertThat(ran.exit()).isEqualTo(4);
        assertThat(ran.out()).isEqualTo("missing 1\n");
        assertThat(ran.err())
                .contains("installing packages needs root")
                .contains("run it as root, or install them yourself: apt-get install no-such-package-anywhere");
    }

    @Test
    void packages_withoutNetwork_saysSoAndLeavesNoPolicyBehind() throws Exception {
        Ran ran = Ran.of(Map.of(), "", with(install("unshare", "--net"), "no-such-package-anywhere"));

        assertThat(ran.exit()).isEqualTo(1);
        assertThat(ran.err())
                .contains("installing the Debian packages no-such-package-anywhere failed")
                .contains("check that the network is up");
        assertThat(Path.of("/usr/sbin/policy-rc.d")).satisfies(policy -> {
            if (Files.exists(policy)) {
                assertThat(Files.readString(policy)).doesNotContain("allod setup");
            }
        });
    }

    @Test
    void up_withoutRoot_saysWhy() throws Exception {
        Ran ran = asNobody(Ran.command("up", "--data", "/tmp/nobodys"));

        assertThat(ran.exit()).isEqualTo(4);
        assertThat(ran.err()).isEqualTo("""
                        allod: starting a host needs root: it makes namespaces, control groups and mounts
                          run it as root: sudo allod up
                        """);
    }

    @Test
    void up_portTaken_saysByWhom_andMakesNothing() throws Exception {
        try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.1"))) {
            String address = "127.0.0.1:" + taken.getLocalPort();

            Ran ran = Ran.process(data, "up", "--edge", address, "--api", "127.0.0.1:1");

            assertThat(ran.exit()).isEqualTo(4);
            assertThat(ran.err())
                    .contains("the edge cannot listen on " + address)
                    .contains("pid=" + ProcessHandle.current().pid())
                    .contains("choose another address with --edge");
            assertThat(data).isEmptyDirectory();
        }
    }

    @Test
    void up_daemonRunsElsewhere_isAConflict() throws Exception {
        try (FakeDaemon daemon = new FakeDaemon(data)) {
            daemon.on("GET /v1/host/status", 200, "{\"api\":\"127.0.0.1:4280\",\"edge\":\"127.0.0.1:8080\"}");

            Ran ran = Ran.here(data, "up", "--edge", "127.0.0.1:9090");

            assertThat(ran.exit()).isEqualTo(4);
            assertThat(ran.err())
                    .contains("runs already, with --edge 127.0.0.1:8080")
                    .contains("allod down");
        }
    }

    @Test
    void up_daemonOfAnOlderBuild_isSaid() throws Exception {
        Path built = Files.createDirectories(data.resolve("home/target/dist")).resolve("built");
        Files.createFile(built);
        System.setProperty("allod.home", data.resolve("home").toString());
        try (FakeDaemon daemon = new FakeDaemon(data)) {
            daemon.on("GET /v1/host/status", 200, "{\"uptime_seconds\":3600}");
            assertThat(Ran.here(data, "up", "--no-demo").out())
                    .contains("it is an older build; to run this one: allod down, then allod up");

            daemon.on("GET /v1/host/status", 200, "{\"uptime_seconds\":0}");
            Files.setLastModifiedTime(built, FileTime.from(Instant.now().minusSeconds(60)));
            assertThat(Ran.here(data, "up", "--no-demo").out()).doesNotContain("older build");
        } finally {
            System.clearProperty("allod.home");
        }
    }

    @Test
    void daemon_endsWhileStarting_itsLastWordsAreShown() throws Exception {
        Path home = Files.createDirectory(data.resolve("home"));
        Path launcher =
                Files.writeString(home.resolve("allod"), "#!/bin/sh\necho \"cannot read the key: $*\" >&2\nexit 9\n");
        Files.setPosixFilePermissions(launcher, PosixFilePermissions.fromString("rwxr-xr-x"));
        System.setProperty("allod.home", home.toString());
        try {
            CommandNode.Command up =
                    (CommandNode.Command) ResolvedCommand.from(List.of("up")).node();
            CommandContext context = new CommandContext(
                    new ParsedArgs(up, PicocliAdapter.of("up", up).parseArgs("--data", data.toString())),
                    Console.ofProcess(),
                    Map.of());
            DaemonLauncher process = new DaemonLauncher(context);

            Throwable thrown = catchThrowable(() -> process.awaitAnswer(
                    process.start("127.0.0.1:4299", "127.0.0.1:4298", "local"),
                    new DaemonClient(new DaemonAddress.Unix(context.socket()))));

            assertThat(thrown)
                    .hasMessageContaining("ended while starting, with exit code 9")
                    .hasMessageContaining("cannot read the key: host --data " + data);
        } finally {
            System.clearProperty("allod.home");
        }
    }

    @Test
    void go_version_decidesWhetherItCanBuild() throws Exception {
        assertThat(RunscInstaller.isNewEnough(go("go1.26.3"))).isTrue();
        assertThat(RunscInstaller.isNewEnough(go("go1.27"))).isTrue();
        assertThat(RunscInstaller.isNewEnough(go("go2.0.1"))).isTrue();
        assertThat(RunscInstaller.isNewEnough(go("go1.26.2"))).isFalse();
        assertThat(RunscInstaller.isNewEnough(go("go1.19"))).isFalse();
        assertThat(RunscInstaller.isNewEnough(go("nonsense"))).isFalse();
    }

    private Path go(String version) throws Exception {
        Path go = Files.writeString(data.resolve("go"), "#!/bin/sh\necho " + version + "\n");
        return Files.setPosixFilePermissions(go, PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    /** The class path may be where nobody may look, so it is copied to where everybody may. */
    private static Ran asNobody(List<String> argv) throws Exception {
        Path open = Files.createTempDirectory(Path.of("/tmp"), "allod-nobody");
        Files.setPosixFilePermissions(open, PosixFilePermissions.fromString("rwxr-xr-x"));
        List<String> moved = new ArrayList<>(List.of("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"));
        int n = 0;
        for (String arg : argv) {
            if (!arg.equals(System.getProperty("java.class.path"))) {
                moved.add(arg);
                continue;
            }
            List<String> copies = new ArrayList<>();
            for (String entry : arg.split(":")) {
                Path copy = open.resolve(n++ + "-" + Path.of(entry).getFileName());
                new ProcessBuilder("cp", "-r", entry, copy.toString())
                        .inheritIO()
                        .start()
                        .waitFor();
                copies.add(copy.toString());
            }
            moved.add(String.join(":", copies));
        }
        try {
            return Ran.of(Map.of("HOME", "/nonexistent"), "", moved);
        } finally {
            new ProcessBuilder("rm", "-rf", open.toString()).inheritIO().start().waitFor();
        }
    }
}
