package org.allod.runtime;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.allod.base.Poll;
import org.allod.base.SupervisedThread;
import org.allod.linux.ProcessIdentity;

/**
 * Listens to a kernel that boots, for what to say where it does not come up: once QEMU has gone, nobody can ask it any
 * more. PID 1 that cannot go on says why there, and waits a little before it powers off.
 */
final class BootConsoleWatcher implements AutoCloseable {
    private static final Duration LONGEST = Duration.ofMinutes(2);
    private static final Duration EVERY = Duration.ofMillis(500);
    private static final int SHOWN = 600;
    /** How PID 1 begins a line in which it gives up. */
    private static final String GIVES_UP = "allod-guest: ";

    private final MicroVm vm;
    private final CompletableFuture<Void> failed;
    private String said = "";
    private boolean closed;

    BootConsoleWatcher(MicroVm vm, ProcessIdentity process) {
        this.vm = vm;
        this.failed = vm.ended(process).copy();
        Thread _ = SupervisedThread.start("boot-watch", this::watch);
    }

    private void watch() {
        boolean _ = Poll.within(LONGEST, EVERY, () -> {
            listen();
            return failed.isDone() || done();
        });
    }

    private void listen() {
        if (done()) {
            return;
        }
        String more = vm.console();
        synchronized (this) {
            said = (said + more).strip();
            said = said.substring(Math.max(0, said.length() - SHOWN));
            if (said.contains(GIVES_UP)) {
                failed.complete(null);
            }
        }
    }

    private synchronized boolean done() {
        return closed;
    }

    /** Completes when there is no use in waiting for the guest any longer. */
    CompletableFuture<Void> failed() {
        return failed;
    }

    /** Why it did not come up, with {@code otherwise} where the kernel had nothing to say about it. */
    String why(String otherwise) {
        listen();
        synchronized (this) {
            int at = said.indexOf(GIVES_UP);
            if (at >= 0) {
                return "inside, "
                        + said.substring(at + GIVES_UP.length())
                                .lines()
                                .findFirst()
                                .orElse("");
            }
            String kernel = said.isEmpty() ? "its kernel said nothing" : "its kernel said last: " + said;
            return otherwise.isEmpty() ? kernel : otherwise + "; " + kernel;
        }
    }

    @Override
    public synchronized void close() {
        closed = true;
    }
}
