package org.allod.bench;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.allod.base.FailedException;

/** A server that a benchmark starts with its own configuration, on a free loopback port. */
final class ServerProcess implements AutoCloseable {
    private static final int TRIES = 500;

    private final Process process;
    private final int port;

    private ServerProcess(Process process, int port) {
        this.process = process;
        this.port = port;
    }

    /** Debian's nginx, which answers every request itself with 33 bytes. */
    static ServerProcess nginx(Path folder) {
        int port = freePort();
        String temp = folder.toString();
        return start(
                folder,
                "nginx",
                port,
                """
                        daemon off;
                        worker_processes 2;
                        pid %1$s/nginx.pid;
                        error_log stderr crit;
                        events { worker_connections 1024; }
                        http {
                          access_log off;
                          keepalive_requests 1000000000;
                          client_body_temp_path %1$s; proxy_temp_path %1$s; fastcgi_temp_path %1$s;
                          uwsgi_temp_path %1$s; scgi_temp_path %1$s;
                          server {
                            listen 127.0.0.1:%2$d backlog=4096;
                            default_type text/plain;
                            location / { return 200 "hello from the server on this port"; }
                          }
                        }
                        """.formatted(temp, port),
                List.of("nginx", "-p", temp, "-e", "stderr", "-c", temp + "/nginx.conf"));
    }

    /** Debian's HAProxy in front of that server, configured by its manual for keep-alive on both sides. */
    static ServerProcess haproxy(Path folder, int backend) {
        int port = freePort();
        return start(
                folder,
                "haproxy",
                port,
                """
                        global
                          nbthread 2
                          maxconn 4000
                        defaults
                          mode http
                          timeout connect 5s
                          timeout client 30s
                          timeout server 30s
                          http-reuse always
                          option forwardfor
                        frontend in
                          bind 127.0.0.1:%d
                          default_backend out
                        backend out
                          server one 127.0.0.1:%d
                        """.formatted(port, backend),
                List.of("haproxy", "-db", "-f", folder + "/haproxy.conf"));
    }

    private static ServerProcess start(Path folder, String name, int port, String config, List<String> command) {
        try {
            Files.writeString(folder.resolve(name + ".conf"), config);
            Process process = new ProcessBuilder(command)
                    .redirectErrorStream(true)
                    .redirectOutput(folder.resolve(name + ".log").toFile())
                    .start();
            ServerProcess served = new ServerProcess(process, port);
            for (int i = 0; i < TRIES && process.isAlive(); i++) {
                if (accepts(port)) {
                    return served;
                }
                LockSupport.parkNanos(10_000_000);
            }
            served.close();
            throw new FailedException(name + " did not come up: " + Files.readString(folder.resolve(name + ".log")));
        } catch (IOException e) {
            throw new FailedException("cannot start " + name + " (is it installed? apt install " + name + ")", e);
        }
    }

    int port() {
        return port;
    }

    private static boolean accepts(int port) {
        try (Socket socket = new Socket()) {
            socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 200);
            return true;
        } catch (IOException e) {
            return false;
        }
    }

    static int freePort() {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() {
        process.destroy();
        try {
            if (!process.waitFor(3, TimeUnit.SECONDS)) {
                var _ = process.destroyForcibly();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
