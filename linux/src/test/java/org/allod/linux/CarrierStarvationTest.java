package org.allod.linux;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/**
 * Nothing here waits for a process on the carrier of a virtual thread. The JVM's scheduler makes up for a carrier that
 * is held only as long as it has an idle one to wake, and lets idle ones go after half a minute; a daemon with a few
 * guests, each holding one, stood still from then on. So all of it is done in a JVM that has one carrier and may make no
 * other: there whoever holds it is the last to run.
 */
class CarrierStarvationTest {
    private static final Duration PATIENCE = Duration.ofMinutes(1);

    /** In that JVM: each line that it says is a thing that a virtual thread could still do. */
    static final class OneCarrier {
        private OneCarrier() {}

        static void main() throws Exception {
            List<DetachedProcess.Started> guests = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                guests.add(virtually(() -> DetachedProcess.of(List.of("sh", "-c", "echo guest >&2; exec sleep 60"))
                        .capture()
                        .start()));
            }
            FutureTask<Command.Result> running = new FutureTask<>(() ->
                    Command.of("sh", "-c", "echo slow; sleep 1; echo late >&2").run());
            Thread.ofVirtual().start(running);
            say("beside", virtually(() -> Command.of("echo", "quick").output()));
            say("slow", virtually(() -> running.get().out() + running.get().err()));
            for (DetachedProcess.Started guest : guests) {
                while (guest.said().get().isEmpty()) {
                    Thread.sleep(5);
                }
                say("heard", guest.said().get());
                guest.process().orElseThrow().signal(Signals.KILL);
                say("ended", virtually(() -> guest.exit().get(10, TimeUnit.SECONDS)));
            }
        }

        private static <T> T virtually(Callable<T> work) throws Exception {
            FutureTask<T> task = new FutureTask<>(work);
            Thread.ofVirtual().start(task);
            return task.get(10, TimeUnit.SECONDS);
        }

        private static void say(String what, Object value) {
            System.out.println(what + " " + value.toString().strip().replace("\n", " "));
        }
    }

    @Test
    void virtualThreads_besideProcessesThatLiveOn_goOn() {
        Command.Result result = Command.of(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-Djdk.virtualThreadScheduler.parallelism=1",
                        "-Djdk.virtualThreadScheduler.maxPoolSize=1",
                        "--enable-native-access=ALL-UNNAMED",
                        "-cp",
                        System.getProperty("java.class.path"),
                        OneCarrier.class.getName())
                .timeout(PATIENCE)
                .run();
        assertThat(result.err()).isEmpty();
        assertThat(result.out().lines())
                .containsExactly(
                        "beside quick",
                        "slow slow late",
                        "heard guest",
                        "ended 137",
                        "heard guest",
                        "ended 137",
                        "heard guest",
                        "ended 137",
                        "heard guest",
                        "ended 137");
    }
}
