package org.allod.host;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.OutputStream;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import org.allod.base.Poll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/**
 * A whole daemon with real guests on a small disk, which a guest and the host fill: the remedies work on the full disk,
 * and nobody else notices.
 */
class FullDiskDaemonTest {
    private static final int DISK_MB = 384;
    private static final String MACHINES = "/v1/apps/shop/machines";

    @TempDir
    Path folder;

    private Path disk;
    private DaemonProcess daemon;

    @BeforeEach
    void start() throws Exception {
        Path image = folder.resolve("disk.img");
        disk = Files.createDirectory(folder.resolve("disk"));
        run("truncate", "--size=" + DISK_MB + "M", image.toString());
        run("mkfs.ext4", "-q", "-F", "-m", "0", image.toString());
        run("mount", "-o", "loop", image.toString(), disk.toString());
        daemon = new DaemonProcess(disk, "--runtime", "gvisor").start();
        TestImage.build(daemon);
        daemon.ok("POST", "/v1/apps", "{\"app_name\":\"shop\",\"org_slug\":\"personal\"}");
    }

    @AfterEach
    void stop() throws Exception {
        try {
            Files.deleteIfExists(ballast());
            daemon.close();
        } finally {
            run("umount", disk.toString());
        }
    }

    private static void run(String... command) throws Exception {
        assertThat(new ProcessBuilder(command).inheritIO().start().waitFor()).isZero();
    }

    private Path ballast() {
        return disk.resolve("ballast");
    }

    /** Takes all that is free, as whatever else is on the disk would. */
    private void fill() throws IOException {
        for (int size : List.of(1 << 20, 4096)) {
            byte[] piece = new byte[size];
            try (OutputStream out =
                    Files.newOutputStream(ballast(), StandardOpenOption.CREATE, StandardOpenOption.APPEND)) {
                while (true) {
                    out.write(piece);
                }
            } catch (IOException e) {
                assertThat(e).hasMessageContaining("No space left");
            }
        }
    }

    private JsonNode disk() throws IOException {
        return daemon.ok("GET", "/v1/host/status", "").get("disk");
    }

    private static void until(String what, BooleanSupplier done) {
        Poll.until(Duration.ofSeconds(30), Duration.ofMillis(100), what, done);
    }

    private void untilDisk(String field, String value) {
        until("disk." + field + " = " + value, () -> {
            try {
                return disk().get(field).stringValue().equals(value);
            } catch (IOException e) {
                throw new AssertionError(e);
            }
        });
    }

    private String create(String name) throws IOException {
        String id = daemon.ok("POST", MACHINES, TestImage.machine(name, ""))
                .get("id")
                .stringValue();
        daemon.await("shop", id, "started");
        return id;
    }

    private int note(String id, String key) throws IOException {
        return daemon.call("POST", MACHINES + "/" + id + "/metadata/" + key, "{\"value\":\"kept\"}")
                        .statusCode()
                / 100;
    }

    private void refused(HttpResponse<String> answer) {
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(409);
        assertThat(answer.body()).contains("insufficient_capacity", "disk is nearly full", "allod doctor");
    }

    @Test
    void disk_filledByAGuestAndFromOutside_costsTheOthersNothing() throws Exception {
        String calm = create("calm");
        String greedy = daemon.ok("POST", MACHINES, """
                {"name":"greedy","config":{"image":"web","guest":{"memory_mb":128},
                 "init":{"exec":["/bin/busybox","sh","-c","sleep 100000"]}}}
                """).get("id").stringValue();
        daemon.await("shop", greedy, "started");
        untilDisk("reserve", "held");

        // A guest fills it: that guest is stopped, is told why, and the space is back.
        AtomicInteger answered = new AtomicInteger();
        List<String> wrong = new ArrayList<>();
        Thread client = Thread.ofPlatform().start(() -> {
            while (!Thread.interrupted()) {
                try {
                    HttpResponse<String> answer = daemon.through("shop", "/");
                    if (answer.statusCode() == 200) {
                        answered.incrementAndGet();
                    } else {
                        wrong.add(answer.statusCode() + " " + answer.body());
                    }
                } catch (IOException e) {
                    wrong.add(String.valueOf(e));
                } catch (InterruptedException e) {
                    return;
                }
            }
        });
        daemon.call(
                "POST",
                MACHINES + "/" + greedy + "/exec",
                "{\"command\":[\"/bin/busybox\",\"dd\",\"if=/dev/zero\",\"of=/big\",\"bs=1M\"],\"timeout\":60}");
        daemon.await("shop", greedy, "stopped");
        until("the event that says why", () -> events(greedy).contains("disk_full"));
        untilDisk("state", "ok");
        client.interrupt();
        client.join();
        assertThat(wrong).as("answers to the calm machine's clients").isEmpty();
        assertThat(answered.get()).isPositive();
        assertThat(disk().get("machines_stopped").intValue()).isEqualTo(1);

        // From outside: nobody is to blame among the machines, so nobody is stopped, and nothing new is let in.
        fill();
        untilDisk("state", "full");
        assertThat(daemon.through("shop", "/").statusCode()).isEqualTo(200);
        refused(daemon.call("POST", MACHINES, TestImage.machine("more", "")));
        refused(daemon.call("POST", MACHINES + "/" + greedy + "/start", ""));
        assertThat(daemon.call("GET", "/metrics", "").body()).contains("allod_disk_state{state=\"full\"} 1");
        assertThat(daemon.ok("GET", "/v1/host/doctor", "").toString()).contains("disk full", "database");
        assertThat(note(calm, "before-kill")).isEqualTo(2);

        daemon.kill();
        daemon.start();
        fill(); // what the start gave up is gone as well
        assertThat(daemon.through("shop", "/").statusCode()).isEqualTo(200);
        assertThat(note(calm, "after-kill")).isEqualTo(2);
        daemon.stop();
        fill();
        daemon.start();
        fill();
        JsonNode kept = daemon.ok("GET", MACHINES + "/" + calm + "/metadata", "");
        assertThat(kept.has("before-kill") && kept.has("after-kill"))
                .as(kept.toString())
                .isTrue();

        daemon.ok("POST", MACHINES + "/" + calm + "/stop", "");
        daemon.await("shop", calm, "stopped");
        daemon.ok("DELETE", MACHINES + "/" + greedy + "?force=true", "");
        daemon.await("shop", greedy, "destroyed");
        assertThat(disk().get("state").stringValue()).isNotEqualTo("ok");

        // With space, everything goes on as it is.
        Files.delete(ballast());
        untilDisk("state", "ok");
        daemon.ok("POST", MACHINES + "/" + calm + "/start", "");
        daemon.await("shop", calm, "started");
        assertThat(daemon.through("shop", "/").statusCode()).isEqualTo(200);
        create("more");
    }

    private String events(String machine) {
        try {
            return daemon.ok("GET", MACHINES + "/" + machine + "/events", "").toString();
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }
}
