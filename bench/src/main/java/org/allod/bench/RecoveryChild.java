package org.allod.bench;

import java.io.PrintStream;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.allod.fsm.EngineOptions;
import org.allod.fsm.RunId;
import org.allod.fsm.RunType;
import org.allod.fsm.StartOptions;
import org.allod.fsm.Step;

/**
 * The process that {@link RecoveryBench} kills: {@code start DIR COUNT} starts runs and executes them until it dies;
 * {@code resume DIR COUNT} resumes them and reports when each executes again. Reports on standard output, one line
 * each: {@code started RUN}, {@code begun RUN STEP}, {@code up}, {@code all MICROS}.
 */
final class RecoveryChild {
    private static final int STEPS = 20;

    private final PrintStream out = new PrintStream(new java.io.FileOutputStream(java.io.FileDescriptor.out), false);
    private final Path dir;
    private final int count;

    private RecoveryChild(Path dir, int count) {
        this.dir = dir;
        this.count = count;
    }

    public static void main(String[] args) throws InterruptedException {
        RecoveryChild child = new RecoveryChild(Path.of(args[1]), Integer.parseInt(args[2]));
        if (args[0].equals("start")) {
            child.start();
        } else {
            child.resume();
        }
    }

    private synchronized void tell(String line) {
        out.println(line);
    }

    private void start() throws InterruptedException {
        byte[] payload = EngineFixture.payload(200);
        RunType<byte[], byte[]> type = EngineFixture.type(STEPS, c -> {
            tell("begun " + c.runId() + " " + c.step());
            if (c.step().equals("step" + (STEPS - 1))) {
                Thread.sleep(Long.MAX_VALUE);
            }
            // Slow enough that the kill finds runs at every step.
            Thread.sleep(50);
            return payload;
        });
        EngineFixture host = new EngineFixture(dir, EngineOptions.defaults(), List.of(type));
        host.engine.resume();
        for (int i = 0; i < count; i++) {
            var _ = host.engine
                    .startAsync(type, "m" + i, payload, StartOptions.none())
                    .thenAccept(id -> tell("started " + id));
        }
        while (true) {
            Thread.sleep(20);
            synchronized (this) {
                out.flush();
            }
        }
    }

    private void resume() throws InterruptedException {
        CountDownLatch back = new CountDownLatch(1);
        AtomicInteger begun = new AtomicInteger();
        Step<byte[], byte[]> hold = c -> {
            RunId id = c.runId();
            tell("begun " + id + " " + c.step());
            if (begun.incrementAndGet() == count) {
                back.countDown();
            }
            Thread.sleep(Long.MAX_VALUE);
            return null;
        };
        long opened = System.nanoTime();
        EngineFixture host = new EngineFixture(dir, EngineOptions.defaults(), List.of(EngineFixture.type(STEPS, hold)));
        int active = host.engine.resume();
        tell("up " + active);
        back.await();
        tell("all " + (System.nanoTime() - opened) / 1000);
        // Enough time for a run that is executed twice to be detected.
        Thread.sleep(300);
        synchronized (this) {
            out.flush();
        }
        Runtime.getRuntime().halt(0);
    }
}
