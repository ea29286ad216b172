package org.allod.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.DataInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** exec, frame by frame, as a process with real pipes and a real terminal. */
class ExecTest {
    private static final String TARGET = "POST /v1/apps/hello/machines/aaaa1111aaaa11/exec/stream";

    @TempDir
    Path data;

    @Test
    void output_goesToItsOwnStream_andTheExitCodeIsTheCommands() throws Exception {
        try (FakeDaemon daemon = new FakeDaemon(data)) {
            daemon.talk(TARGET, (request, in, out) -> {
                upgrade(out);
                frame(out, 1, "to out\n");
                frame(out, 2, "to err\n");
                frame(out, 5, "{\"exit_code\":7,\"signal\":0,\"oom_killed\":false}");
            });

            Ran ran =
                    Ran.process(data, "machine", "exec", "-e", "A=1", "-u", "www", "hello-1", "--", "sh", "-c", "x y");

            assertThat(ran).isEqualTo(new Ran(7, "to out\n", "to err\n"));
            FakeDaemon.Request request = daemon.requests.getLast();
            assertThat(request.headers()).containsEntry("upgrade", "allod-exec/1");
            Json asked = Json.parse(new String(
                    Base64.getUrlDecoder().decode(request.headers().get("x-allod-exec")), StandardCharsets.UTF_8));
            assertThat(asked)
                    .isEqualTo(Json.obj(
                            "command",
                            List.of("sh", "-c", "x y"),
                            "env",
                            Map.of("A", "1"),
                            "tty",
                            false,
                            "user",
                            "www"));
        }
    }

    @Test
    void stdin_isPassedOnWithItsEnd() throws Exception {
        try (FakeDaemon daemon = new FakeDaemon(data)) {
            daemon.talk(TARGET, (request, in, out) -> {
                upgrade(out);
                StringBuilder all = new StringBuilder();
                for (Frame frame = read(in); frame.payload().length > 0; frame = read(in)) {
                    assertThat(frame.type()).isZero();
                    all.append(new String(frame.payload(), StandardCharsets.UTF_8));
                }
                frame(out, 1, "got " + all.length());
                frame(out, 5, "{\"exit_code\":0}");
            });
            String input = "x".repeat(300_000);

            Ran ran = Ran.of(
                    Map.of("ALLOD_DATA", data.toString()),
                    input,
                    Ran.command("machine", "exec", "-i", "hello-1", "cat"));

            assertThat(ran.out()).isEqualTo("got 300000");
            assertThat(ran.exit()).isZero();
        }
    }

    @Test
    void signal_becomesItsExitCode_andOutOfMemoryIsSaid() throws Exception {
        try (FakeDaemon daemon = new FakeDaemon(data)) {
            daemon.talk(TARGET, (request, in, out) -> {
                upgrade(out);
                frame(out, 5, "{\"exit_code\":0,\"signal\":9,\"oom_killed\":true}");
            });

            Ran ran = Ran.process(data, "machine", "exec", "hello-1", "eat");

            assertThat(ran.exit()).isEqualTo(137);
            assertThat(ran.err()).contains("ran out of memory");
        }
    }

    @Test
    void refusal_beforeTheUpgrade_isAnOrdinaryError() throws Exception {
        try (FakeDaemon daemon = new FakeDaemon(data)) {
            daemon.on(TARGET, 412, "{\"error\":\"machine is stopped\",\"hint\":\"start it first\"}");

            Ran ran = Ran.process(data, "machine", "exec", "hello-1", "true");

            assertThat(ran.exit()).isEqualTo(4);
            assertThat(ran.err()).isEqualTo("allod: machine is stopped\n  start it first\n");
        }
    }

    @Test
    void errorFrame_andBrokenConnection_areFailures() throws Exception {
        try (FakeDaemon daemon = new FakeDaemon(data)) {
            daemon.talk(TARGET, (request, in, out) -> {
                upgrade(out);
                frame(out, 6, "{\"error\":\"no such program: nope\",\"status\":\"invalid\",\"http\":400}");
            });
            Ran refused = Ran.process(data, "machine", "exec", "hello-1", "nope");
            assertThat(refused.exit()).isEqualTo(2);
            assertThat(refused.err()).contains("no such program: nope");

            daemon.talk(TARGET, (request, in, out) -> {
                upgrade(out);
                out.write(new byte[] {1, 0, 0, 0, 9, 'c', 'u', 't'});
            });
            Ran cut = Ran.process(data, "machine", "exec", "hello-1", "true");
            assertThat(cut.exit()).isEqualTo(1);

            daemon.talk(TARGET, (request, in, out) -> {
                upgrade(out);
                out.write(new byte[] {1, 0x7f, 0, 0, 0});
            });
            Ran huge = Ran.process(data, "machine", "exec", "hello-1", "true");
            assertThat(huge.exit()).isEqualTo(1);
            assertThat(huge.err()).contains("a frame of 2130706432 bytes");
        }
    }

    /** In a terminal of its own, made by script(1). */
    @Test
    void terminal_isTakenOverAndGivenBack_andItsSizeFollows() throws Exception {
        BlockingQueue<Frame> frames = new LinkedBlockingQueue<>();
        try (FakeDaemon daemon = new FakeDaemon(data)) {
            daemon.talk(TARGET, (request, in, out) -> {
                upgrade(out);
                frame(out, 1, "ready\r\n");
                for (Frame frame = read(in); ; frame = read(in)) {
                    frames.add(frame);
                    if (frame.type() == 0 && new String(frame.payload(), StandardCharsets.UTF_8).contains("q")) {
                        break;
                    }
                }
                frame(out, 5, "{\"exit_code\":3}");
            });
            Path resize = data.resolve("resize");
            String exec = "'" + String.join("' '", Ran.command("machine", "exec", "-it", "hello-1", "sh")) + "'";
            String inside = """
                    exec 3<&0
                    (while [ ! -e '%s' ]; do sleep 0.05; done; stty rows 40 cols 120 <&3) &
                    stty rows 30 cols 100
                    before=$(stty -g)
                    %s
                    echo code=$?
                    test "$before" = "$(stty -g)" && echo restored
                    """.formatted(resize, exec);
            ProcessBuilder builder =
                    new ProcessBuilder("script", "-qfec", inside, "/dev/null").redirectErrorStream(true);
            builder.environment().put("ALLOD_DATA", data.toString());
            builder.environment().put("SHELL", "/bin/sh");
            Process process = builder.start();
            OutputStream keys = process.getOutputStream();
            StringBuilder said = new StringBuilder();
            InputStream screen = process.getInputStream();
            for (int c = screen.read(); c >= 0 && !said.toString().endsWith("ready"); c = screen.read()) {
                said.append((char) c);
            }
            assertThat(said).endsWith("ready");

            // Ctrl-C is a key like any other: the guest's terminal makes a signal of it.
            keys.write(3);
            keys.flush();
            Frame typed = frames.poll(30, TimeUnit.SECONDS);
            assertThat(typed).isNotNull();
            assertThat(typed.payload()).containsExactly(3);

            Files.createFile(resize);
            Frame resized = frames.poll(30, TimeUnit.SECONDS);
            assertThat(resized).isNotNull();
            assertThat(resized.type()).isEqualTo(3);
            assertThat(resized.payload()).containsExactly(0, 120, 0, 40);

            keys.write('q');
            keys.flush();
            said.append(new String(screen.readAllBytes(), StandardCharsets.UTF_8));
            assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
            assertThat(said).contains("code=3").contains("restored");
            Json asked = Json.parse(new String(
                    Base64.getUrlDecoder()
                            .decode(daemon.requests.getLast().headers().get("x-allod-exec")),
                    StandardCharsets.UTF_8));
            assertThat(asked.at("columns").number(0)).isEqualTo(100);
            assertThat(asked.at("rows").number(0)).isEqualTo(30);
        }
    }

    record Frame(int type, byte[] payload) {}

    private static Frame read(InputStream in) throws IOException {
        DataInputStream data = new DataInputStream(in);
        int type = data.readUnsignedByte();
        return new Frame(type, data.readNBytes(data.readInt()));
    }

    private static void upgrade(OutputStream out) throws IOException {
        out.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: allod-exec/1\r\n\r\n"
                .getBytes(StandardCharsets.UTF_8));
    }

    private static void frame(OutputStream out, int type, String payload) throws IOException {
        byte[] bytes = payload.getBytes(StandardCharsets.UTF_8);
        out.write(ByteBuffer.allocate(5 + bytes.length)
                .put((byte) type)
                .putInt(bytes.length)
                .put(bytes)
                .array());
    }
}
