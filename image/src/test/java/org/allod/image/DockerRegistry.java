package org.allod.image;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;

/** A real registry (Debian's docker-registry) on loopback, for one test class. */
final class DockerRegistry implements AutoCloseable {
    final int port;
    private final Process process;

    DockerRegistry(Path folder, boolean password) throws IOException, InterruptedException {
        this(folder, password ? passwords(folder) : "");
    }

    private static String passwords(Path folder) throws IOException, InterruptedException {
        Files.createDirectories(folder);
        String line = MountedImage.run("htpasswd", "-nbB", "alice", "s3cret:with:colons");
        Path users = Files.writeString(folder.resolve("htpasswd"), line);
        return "auth: {htpasswd: {realm: test, path: %s}}%n".formatted(users);
    }

    /** @param auth the part of the configuration that says who gets in */
    DockerRegistry(Path folder, String auth) throws IOException, InterruptedException {
        Files.createDirectories(folder);
        port = freePort();
        StringBuilder config = new StringBuilder("""
                version: 0.1
                log: {level: error}
                storage: {filesystem: {rootdirectory: %s}, delete: {enabled: true}}
                http: {addr: "127.0.0.1:%d"}
                """.formatted(folder.resolve("data"), port));
        config.append(auth);
        Path file = Files.writeString(folder.resolve("config.yml"), config);
        process = new ProcessBuilder("docker-registry", "serve", file.toString())
                .redirectErrorStream(true)
                .redirectOutput(folder.resolve("log").toFile())
                .start();
        for (int i = 0; i < 200; i++) {
            try (Socket socket = new Socket()) {
                socket.connect(new InetSocketAddress("127.0.0.1", port), 200);
                return;
            } catch (IOException e) {
                Thread.sleep(50);
            }
        }
        throw new IOException("docker-registry did not come up: " + Files.readString(folder.resolve("log")));
    }

    static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    String host() {
        return "127.0.0.1:" + port;
    }

    /** Pushes a layout, as anybody would. */
    void push(Path layout, String name, String... more) throws IOException, InterruptedException {
        java.util.List<String> command = new java.util.ArrayList<>(
                java.util.List.of("skopeo", "--insecure-policy", "copy", "--all", "--dest-tls-verify=false"));
        command.addAll(java.util.List.of(more));
        command.addAll(java.util.List.of("oci:" + layout, "docker://" + host() + "/" + name));
        MountedImage.run(command.toArray(String[]::new));
    }

    @Override
    public void close() throws InterruptedException {
        process.destroy();
        process.waitFor();
    }
}
