package org.allod.host;

import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import tools.jackson.databind.JsonNode;

/**
 * A whole host with control groups of version 2, whatever this one has: an emulated machine with Debian's kernel, Debian's
 * own programs and systemd, and Allod as it was built. It reaches nobody; we reach its shell, its API and its edge, each
 * through a port of loopback.
 */
final class V2Host implements AutoCloseable {
    private static final Duration BOUND = Duration.ofMinutes(10);

    private final Path work;
    private final Process qemu;
    private final int shell;
    private final int api;
    private final int edge;
    private final HttpClient http = HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .connectTimeout(Duration.ofSeconds(5))
            .build();
    private String token = "";

    static {
        // An app's name goes into the Host field; the address is loopback's, which no resolver need know.
        System.setProperty("jdk.httpclient.allowRestrictedHeaders", "host");
    }

    private V2Host(Path work, V2HostDisk disk) throws IOException {
        this.work = work;
        shell = DaemonProcess.freePort();
        api = DaemonProcess.freePort();
        edge = DaemonProcess.freePort();
        String doors = "user,id=net,restrict=on" + door(shell, V2HostFiles.SHELL) + door(api, V2HostFiles.API)
                + door(edge, V2HostFiles.EDGE);
        qemu = new ProcessBuilder(List.of(
                        "qemu-system-x86_64",
                        "-nodefaults",
                        "-no-user-config",
                        "-no-reboot",
                        "-display",
                        "none",
                        "-machine",
                        "q35,usb=off,sata=off,hpet=off,vmport=off,smbus=off",
                        "-accel",
                        "tcg,thread=multi,tb-size=512",
                        // Less than any processor that Allod is built on: its caches must do on this one too. And five
                        // levels of page tables are one more to walk, by a program.
                        "-cpu",
                        "max,-avx,-avx2,-la57,-smap,-smep,-pku",
                        "-smp",
                        "2",
                        "-m",
                        "2G",
                        "-kernel",
                        V2HostDisk.kernel().toString(),
                        "-initrd",
                        disk.initramfs().toString(),
                        "-append",
                        "console=ttyS0 quiet panic=-1 reboot=t cryptomgr.notests random.trust_cpu=on mitigations=off"
                                + " audit=0 transparent_hugepage=always systemd.show_status=0 systemd.getty_auto=no",
                        "-drive",
                        "if=virtio,format=raw,readonly=on,file=" + disk.image(),
                        "-drive",
                        "if=virtio,format=raw,cache=unsafe,file=" + disk.data(),
                        "-netdev",
                        doors,
                        "-device",
                        "virtio-net-pci,netdev=net,romfile=",
                        "-serial",
                        "file:" + console()))
                .redirectErrorStream(true)
                .redirectOutput(work.resolve("qemu.log").toFile())
                .start();
    }

    private static String door(int here, int there) {
        return ",hostfwd=tcp:127.0.0.1:" + here + "-10.0.2.15:" + there;
    }

    /** Makes its disks in {@code work} and boots it; returns once its shell answers. */
    static V2Host boot(Path work) throws Exception {
        V2HostDisk disk = new V2HostDisk(work);
        disk.make();
        V2Host host = new V2Host(work, disk);
        try {
            host.await("its shell", () -> host.run("true").equals("=0\n"));
            return host;
        } catch (Exception | Error e) {
            host.close();
            throw e;
        }
    }

    /** Something that may be so by now; a host that cannot be reached yet is not. */
    interface Condition {
        boolean holds() throws Exception;
    }

    /** Waits, longer than anything takes that goes well. */
    void await(String what, Condition condition) throws Exception {
        long until = System.nanoTime() + BOUND.toNanos();
        String last = "it is not so";
        while (System.nanoTime() < until && qemu.isAlive()) {
            try {
                if (condition.holds()) {
                    return;
                }
                last = "it is not so";
            } catch (IOException e) {
                last = e.toString(); // it cannot be reached yet, or just now
            }
            // Each look is a few processes of a slow processor, which has better to do.
            Thread.sleep(500);
        }
        throw new AssertionError("waited in vain for " + what + " (" + last + ")\n" + story());
    }

    /** What a shell inside says to a script that must end with 0. */
    String shell(String script) throws IOException {
        String said = run(script);
        if (!said.endsWith("=0\n")) {
            throw new AssertionError(script + "\nended so: " + said + "\n" + story());
        }
        return said.substring(0, said.length() - "=0\n".length());
    }

    private String run(String script) throws IOException {
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), shell)) {
            String all = "(\n" + script + "\n) 2>&1\necho \"=$?\"\n";
            socket.getOutputStream().write(all.getBytes(StandardCharsets.UTF_8));
            socket.shutdownOutput();
            return new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    /** Whether the daemon inside answers. */
    boolean serves() throws IOException {
        token = run("cat /var/lib/allod/operator.token").lines().findFirst().orElse("");
        return call("GET", "/v1/host/status", "").statusCode() == 200;
    }

    HttpResponse<String> call(String method, String path, String body) throws IOException {
        return send(HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + api + path))
                .header("Authorization", "Bearer " + token)
                .method(method, HttpRequest.BodyPublishers.ofString(body)));
    }

    /** A call that must succeed; its answer, of which the last line counts where there are many. */
    JsonNode ok(String method, String path, String body) throws IOException {
        HttpResponse<String> answer = call(method, path, body);
        if (answer.statusCode() / 100 != 2) {
            throw new AssertionError(method + " " + path + ": " + answer.statusCode() + " " + answer.body() + story());
        }
        return DaemonProcess.JSON.readTree(answer.body().strip().lines().reduce("{}", (before, line) -> line));
    }

    /** A request through the edge, for an app. */
    HttpResponse<String> through(String app) throws IOException {
        return send(HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + edge + "/"))
                .header("Host", app + ".localhost"));
    }

    private HttpResponse<String> send(HttpRequest.Builder request) throws IOException {
        try {
            return http.send(request.timeout(BOUND).build(), HttpResponse.BodyHandlers.ofString());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException(e);
        }
    }

    private Path console() {
        return work.resolve("console.log");
    }

    /** What is known where something went wrong. */
    String story() {
        StringBuilder story = new StringBuilder();
        try {
            story.append("QEMU: ").append(Files.readString(work.resolve("qemu.log")));
            List<String> lines = Files.readAllLines(console());
            lines.subList(Math.max(0, lines.size() - 40), lines.size())
                    .forEach(line -> story.append('\n').append(line));
            story.append("\nits daemon:\n")
                    .append(run("tail -n 60 /run/daemon.log; journalctl --no-pager -n 60 -u allod"));
        } catch (IOException e) {
            story.append("\nand no more: ").append(e);
        }
        return story.toString();
    }

    /** As a power cut does it. Its disks are thrown away. */
    @Override
    public void close() throws Exception {
        http.shutdownNow();
        qemu.destroyForcibly();
        qemu.waitFor(20, TimeUnit.SECONDS);
        for (Path disk : List.of(work.resolve("root.erofs"), work.resolve("data.ext4"))) {
            Files.deleteIfExists(disk);
        }
    }
}
