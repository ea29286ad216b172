package org.allod.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.allod.base.Clock;
import org.allod.base.MachineId;
import org.allod.base.Poll;
import org.allod.base.SystemClock;
import org.allod.base.SystemTimers;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The channel against the real PID 1, which runs as PID 1 of namespaces of its own on this host. */
class GuestChannelTest {
    private static final MachineId MACHINE = MachineId.of(0x1234);
    private static final Duration BOUND = Duration.ofSeconds(10);

    @TempDir
    Path folder;

    private final Clock clock = new SystemClock();
    private final SystemTimers timers = new SystemTimers();
    private final List<AutoCloseable> open = new ArrayList<>();
    private Process guest;
    private ConsoleLog log;
    private GuestChannel channel;

    @BeforeEach
    void start() throws Exception {
        channel = connect();
        guest = GuestBinary.start(folder.resolve("guest.sock"), folder.resolve("guest.out"));
        channel.open(BOUND, BOUND, guest.onExit());
    }

    /** A daemon's side, as after a start: nothing known but what is in the folder. */
    private GuestChannel connect() throws IOException {
        UnixSocketAcceptor dialer = new UnixSocketAcceptor(folder.resolve("guest.sock"));
        log = new ConsoleLog(folder.resolve("console.log"), 1 << 20, clock);
        GuestChannel made = new GuestChannel(MACHINE, dialer, log, folder, clock, timers);
        open.add(made);
        open.add(dialer);
        return made;
    }

    private void restartDaemon() throws Exception {
        for (AutoCloseable each : open) {
            each.close();
        }
        open.clear();
        channel = connect();
        channel.open(BOUND, BOUND, guest.onExit());
    }

    @AfterEach
    void stop() throws Exception {
        for (AutoCloseable each : open) {
            each.close();
        }
        guest.destroyForcibly().waitFor();
        timers.close();
    }

    private GuestSetup setup(String script) {
        return setup(script, "", false, List.of());
    }

    private GuestSetup setup(String script, String user, boolean tty, List<GuestSpec.File> files) {
        return new GuestSetup(
                List.of("sh", "-c", script),
                Map.of("GREETING", "hello", "PATH", "/usr/bin:/bin"),
                "/",
                Optional.of(user).filter(u -> !u.isEmpty()),
                tty,
                "allod-test",
                files,
                List.of(),
                List.of(),
                List.of());
    }

    private void awaitLog(String text) {
        Poll.until(BOUND, Duration.ofMillis(5), "the line " + text, () -> texts().contains(text));
    }

    private List<String> texts() {
        return log.tail(10_000).stream().map(LogLine::text).toList();
    }

    private static String all(InputStream stream) throws IOException {
        return new String(stream.readAllBytes(), StandardCharsets.UTF_8);
    }

    private static ExitStatus exit(Exec exec) throws Exception {
        return exec.exited().get(10, TimeUnit.SECONDS);
    }

    private Exec sh(String script) {
        return channel.exec(ExecSpec.of("sh", "-c", script));
    }

    @Test
    void mainProcess_runs_withItsEnvironmentFilesAndUser() throws Exception {
        Path file = folder.resolve("made/by/guest");
        channel.configure(setup(
                "echo $GREETING $(hostname) $(id -u):$(id -g); stat -c %a " + file + "; cat " + file + "; exit 3",
                "daemon",
                false,
                List.of(new GuestSpec.File(file.toString(), "secret\n".getBytes(StandardCharsets.UTF_8), 0644))));
        Files.setPosixFilePermissions(folder, java.nio.file.attribute.PosixFilePermissions.fromString("rwxr-xr-x"));
        assertThat(channel.exited().get(10, TimeUnit.SECONDS)).isEqualTo(new ExitStatus(3, 0, false));
        assertThat(texts()).contains("hello allod-test 1:1", "644");
        assertThat(guest.waitFor(5, TimeUnit.SECONDS))
                .as("ends once its exit is taken")
                .isTrue();
        assertThat(GuestChannel.read(GuestChannel.exitFile(folder))).contains(new ExitStatus(3, 0, false));
    }

    @Test
    void mainProcess_thatCannotStart_saysWhyInTheLog() throws Exception {
        channel.configure(new GuestSetup(
                List.of("/no/such"),
                Map.of(),
                "/",
                Optional.empty(),
                false,
                "",
                List.of(),
                List.of(),
                List.of(),
                List.of()));
        assertThat(channel.exited().get(10, TimeUnit.SECONDS).code()).isEqualTo(127);
        assertThat(texts()).containsExactly("allod: cannot start /no/such: not found in the image");
    }

    @Test
    void signal_toTheMainProcess_endsIt() throws Exception {
        channel.configure(setup("trap 'echo got it; exit 9' TERM; echo ready; while :; do sleep 0.05; done"));
        awaitLog("ready");
        channel.signal(15);
        assertThat(channel.exited().get(10, TimeUnit.SECONDS)).isEqualTo(new ExitStatus(9, 0, false));
        assertThat(texts()).containsExactly("ready", "got it");
    }

    @Test
    void exec_streamsAndExitCode_areItsOwn() throws Exception {
        channel.configure(setup("sleep 1000"));
        try (Exec exec = sh("cat; echo problem >&2; echo $GREETING; exit 7")) {
            exec.stdin().write("in\n".getBytes(StandardCharsets.UTF_8));
            exec.stdin().close();
            assertThat(all(exec.stdout())).isEqualTo("in\nhello\n");
            assertThat(all(exec.stderr())).isEqualTo("problem\n");
            assertThat(exit(exec)).isEqualTo(new ExitStatus(7, 0, false));
        }
        try (Exec exec = channel.exec(ExecSpec.of("/no/such"))) {
            assertThat(all(exec.stderr())).isEqualTo("allod: cannot start /no/such: not found in the image\n");
            assertThat(exit(exec).code()).isEqualTo(127);
        }
        try (Exec exec = sh("kill -TERM $$")) {
            assertThat(exit(exec)).isEqualTo(new ExitStatus(143, 15, false));
        }
    }

    @Test
    void exec_withATerminal_hasItsSizeAndResizes() throws Exception {
        channel.configure(setup("sleep 1000"));
        ExecSpec spec = new ExecSpec(
                List.of("sh", "-c", "tty; stty size; read x; stty size; echo got $x"),
                Map.of(),
                Optional.empty(),
                Optional.empty(),
                Optional.of(new ExecSpec.Tty(101, 33)));
        try (Exec exec = channel.exec(spec)) {
            byte[] buffer = new byte[4096];
            StringBuilder seen = new StringBuilder();
            while (!seen.toString().contains("33 101")) {
                int n = exec.stdout().read(buffer);
                assertThat(n).isPositive();
                seen.append(new String(buffer, 0, n, StandardCharsets.UTF_8));
            }
            assertThat(seen.toString()).contains("/dev/pts/");
            exec.resize(new ExecSpec.Tty(77, 22));
            exec.stdin().write("word\n".getBytes(StandardCharsets.UTF_8));
            assertThat(all(exec.stdout())).contains("22 77").contains("got word");
            assertThat(exit(exec).code()).isZero();
        }
    }

    @Test
    void exec_slowReader_slowsItsOwnCommandAlone() throws Exception {
        channel.configure(setup("sleep 1000"));
        try (Exec flood = sh("yes | head -c 50000000")) {
            Poll.until(BOUND, Duration.ofMillis(5), "flood", () -> available(flood) > 0);
            long before = System.nanoTime();
            try (Exec other = sh("echo quick")) {
                assertThat(all(other.stdout())).isEqualTo("quick\n");
            }
            assertThat(System.nanoTime() - before).isLessThan(2_000_000_000L);
            assertThat(flood.stdout().readAllBytes()).hasSize(50_000_000);
            assertThat(exit(flood).code()).isZero();
        }
    }

    private static int available(Exec exec) {
        try {
            return exec.stdout().available();
        } catch (IOException e) {
            return -1;
        }
    }

    @Test
    void exec_bigInput_comesThroughWhole() throws Exception {
        channel.configure(setup("sleep 1000"));
        try (Exec exec = sh("wc -c")) {
            byte[] piece = new byte[100_000];
            for (int i = 0; i < 30; i++) {
                exec.stdin().write(piece);
            }
            exec.stdin().close();
            assertThat(all(exec.stdout()).strip()).isEqualTo("3000000");
        }
    }

    @Test
    void exec_closedByTheCaller_isKilledInside() throws Exception {
        channel.configure(setup("sleep 1000"));
        Exec exec = sh("echo $$; exec sleep 54321");
        byte[] buffer = new byte[64];
        assertThat(exec.stdout().read(buffer)).isPositive();
        exec.close();
        Poll.until(BOUND, Duration.ofMillis(20), "death", () -> {
            try (Exec look = sh("! pgrep -f 'sleep 54321' | grep -v $$")) {
                return look.exited().get(5, TimeUnit.SECONDS).code() == 0;
            } catch (Exception e) {
                return false;
            }
        });
    }

    @Test
    void daemon_restarted_findsExitAndOutputWithoutLossOrRepetition() throws Exception {
        channel.configure(setup("i=0; while [ $i -lt 400 ]; do echo line $i; i=$((i+1)); sleep 0.002; done; exit 5"));
        awaitLog("line 20");
        for (int i = 0; i < 5; i++) {
            restartDaemon();
            Thread.sleep(50);
        }
        assertThat(channel.exited().get(20, TimeUnit.SECONDS)).isEqualTo(new ExitStatus(5, 0, false));
        List<String> wanted = new ArrayList<>();
        for (int i = 0; i < 400; i++) {
            wanted.add("line " + i);
        }
        assertThat(texts()).isEqualTo(wanted);
    }

    @Test
    void flood_ofOutput_isTakenAtABoundedRate_andTheRestIsLostAloud() throws Exception {
        channel.configure(setup("yes $(head -c 9000 /dev/zero | tr '\\0' x); true"));
        Thread.sleep(3000);
        long started = System.nanoTime();
        channel.ping(BOUND);
        try (Exec exec = sh("echo still here")) {
            assertThat(all(exec.stdout())).isEqualTo("still here\n");
        }
        assertThat(System.nanoTime() - started).isLessThan(3_000_000_000L);
        assertThat(log.position()).as("bytes taken, with those dropped").isPositive();
        assertThat(texts()).anyMatch(t -> t.contains("bytes of output were lost here"));
        assertThat(Files.size(folder.resolve("console.log"))).isLessThanOrEqualTo(1 << 20);
    }

    @Test
    void release_letsGo_andTheGuestComesBack() throws Exception {
        channel.configure(setup("echo one; sleep 1000"));
        awaitLog("one");
        channel.release(BOUND);
        restartDaemon();
        channel.ping(BOUND);
        try (Exec exec = sh("echo back")) {
            assertThat(all(exec.stdout())).isEqualTo("back\n");
        }
        assertThat(texts()).containsExactly("one");
    }

    @Test
    void guest_gone_completesTheExitAsLost() throws Exception {
        channel.configure(setup("sleep 1000"));
        Exec exec = sh("sleep 1000");
        guest.destroyForcibly().waitFor();
        channel.gone();
        assertThat(channel.exited().get(1, TimeUnit.SECONDS)).isEqualTo(ExitStatus.LOST);
        assertThat(exit(exec)).isEqualTo(ExitStatus.LOST);
        assertThatThrownBy(() -> exec.stdout().read()).isInstanceOf(IOException.class);
    }

    @Test
    void garbage_fromAGuest_cutsTheLinkWithAReason() throws Exception {
        Path socket = folder.resolve("hostile.sock");
        try (UnixSocketAcceptor dialer = new UnixSocketAcceptor(socket);
                SocketChannel hostile = SocketChannel.open(java.net.UnixDomainSocketAddress.of(socket))) {
            CompletableFuture<GuestLink> link = new CompletableFuture<>();
            Thread.ofVirtual().start(() -> {
                try {
                    link.complete(GuestLink.open("x", dialer.dial(BOUND), log, clock, timers, BOUND));
                } catch (IOException | RuntimeException e) {
                    link.completeExceptionally(e);
                }
            });
            ByteBuffer hello = ByteBuffer.allocate(80);
            while (hello.hasRemaining()) {
                hostile.read(hello);
            }
            long nonce = hello.getLong(16);
            ByteBuffer welcome = ByteBuffer.allocate(8 + GuestProtocol.WELCOME_SIZE);
            welcome.put((byte) 1)
                    .put((byte) GuestProtocol.WELCOME)
                    .putShort((short) 0)
                    .putInt(GuestProtocol.WELCOME_SIZE);
            welcome.putLong(GuestProtocol.MAGIC)
                    .putLong(nonce)
                    .putLong(1)
                    .put((byte) 1)
                    .putInt(5)
                    .putLong(0);
            hostile.write(welcome.flip());
            GuestLink made = link.get(5, TimeUnit.SECONDS);
            hostile.write(ByteBuffer.wrap(new byte[] {1, (byte) 0x99, 0, 0, 0, 0, 0, 0}));
            assertThat(made.closed().get(5, TimeUnit.SECONDS))
                    .isEqualTo("cut off, because the guest sent a frame of unknown type 0x99");
        }
    }

    /** As on a full disk: where it would be written, nothing can be. */
    @Test
    void exit_thatCannotBeWrittenDown_isKnownAllTheSame_andWrittenOnceItCan() throws Exception {
        Path blocked = folder.resolve("exit.new");
        Files.createDirectories(blocked.resolve("full"));
        channel.configure(setup("exit 7"));
        assertThat(channel.exited().get(10, TimeUnit.SECONDS).code()).isEqualTo(7);
        assertThat(GuestChannel.exitFile(folder)).doesNotExist();
        Files.delete(blocked.resolve("full"));
        Files.delete(blocked);
        Poll.until(BOUND, Duration.ofMillis(5), "the exit's file", () -> Files.exists(GuestChannel.exitFile(folder)));
        assertThat(GuestChannel.read(GuestChannel.exitFile(folder))
                        .orElseThrow()
                        .code())
                .isEqualTo(7);
    }
}
