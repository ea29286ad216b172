package org.allod.host;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/**
 * A whole daemon with a real guest whose disk refuses the flushes of {@code host.db}'s log while it serves: it ends at
 * once and says why; started again on a disk that is well, it adopts the guest and has every acknowledged change.
 */
class FailingDiskDaemonTest {
    private static final String MACHINES = "/v1/apps/shop/machines";
    /** Changes that a client asks for at most: the disk fails long before. */
    private static final int MOST = 2_000;

    @TempDir
    Path folder;

    private DaemonProcess daemon;

    @AfterEach
    void stop() throws Exception {
        daemon.close();
    }

    /** From each thread's 8th flush of the log on. */
    private Process failTheDisk() throws IOException {
        Path log = daemon.data.resolve("host.db-wal").toRealPath();
        return new ProcessBuilder(
                        "strace",
                        "-f",
                        "-o",
                        "/dev/null",
                        "-P",
                        log.toString(),
                        "-e",
                        "trace=fsync,fdatasync",
                        "-e",
                        "inject=fsync,fdatasync:error=EIO:when=8+",
                        "-p",
                        String.valueOf(daemon.process().pid()))
                .redirectErrorStream(true)
                .redirectOutput(folder.resolve("strace.log").toFile())
                .start();
    }

    /** The keys that were acknowledged, until the daemon answers no more. */
    private List<String> writeUntilItEnds(String machine) {
        List<String> kept = new ArrayList<>();
        try {
            for (int i = 0; i < MOST && daemon.process().isAlive(); i++) {
                HttpResponse<String> answer =
                        daemon.call("POST", MACHINES + "/" + machine + "/metadata/k" + i, "{\"value\":\"kept\"}");
                if (answer.statusCode() / 100 == 2) {
                    kept.add("k" + i);
                }
            }
        } catch (IOException itHasEnded) {
            // Whether the last one was kept nobody was told.
        }
        return kept;
    }

    private String says(String machine, String script) throws IOException {
        return daemon.ok(
                        "POST",
                        MACHINES + "/" + machine + "/exec",
                        "{\"command\":[\"/bin/busybox\",\"sh\",\"-c\",\"%s\"]}".formatted(script))
                .get("stdout")
                .stringValue();
    }

    @Test
    void daemon_whoseFlushIsRefused_endsAtOnceAndHasEverythingWhenItIsBack() throws Exception {
        daemon = new DaemonProcess(folder.resolve("data"), "--runtime", "gvisor").start();
        TestImage.build(daemon);
        daemon.ok("POST", "/v1/apps", "{\"app_name\":\"shop\",\"org_slug\":\"personal\"}");
        String id = daemon.ok("POST", MACHINES, TestImage.machine("calm", ""))
                .get("id")
                .stringValue();
        daemon.await("shop", id, "started");
        says(id, "echo before > /tmp/who; sleep 1000 & echo $! > /tmp/pid");

        Process strace = failTheDisk();
        List<String> kept;
        try {
            kept = writeUntilItEnds(id);
            assertThat(daemon.process().waitFor(30, TimeUnit.SECONDS))
                    .as("the daemon ended")
                    .isTrue();
        } finally {
            strace.destroy();
            strace.waitFor();
        }
        assertThat(daemon.process().exitValue()).as(daemon.log()).isEqualTo(1);
        assertThat(daemon.log())
                .contains("it cannot go on safely", "What is on the disk is in doubt", "check the disk");
        assertThat(kept).isNotEmpty();

        daemon.start();
        assertThat(daemon.ok("GET", MACHINES + "/" + id, "").get("state").stringValue())
                .isEqualTo("started");
        assertThat(says(id, "cat /tmp/who; kill -0 $(cat /tmp/pid) && echo alive"))
                .as("the guest was adopted")
                .isEqualTo("before\nalive\n");
        assertThat(daemon.through("shop", "/").statusCode()).isEqualTo(200);
        JsonNode there = daemon.ok("GET", MACHINES + "/" + id + "/metadata", "");
        assertThat(kept).allSatisfy(key -> assertThat(there.has(key)).as(key).isTrue());
    }
}
