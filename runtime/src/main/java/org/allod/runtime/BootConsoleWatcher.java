package org.allod.runtime;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.allod.base.Poll;
import org.allod.base.SupervisedThread;
import org.allod.linux.ProcessIdentity;

/**
 * Records the console while a guest boots, to explain a boot that fails: once QEMU has exited, its console is lost. A
 * PID 1 that gives up writes its reason there and waits a little before it powers off.
 */
final class BootConsoleWatcher implements AutoCloseable {
    private static final Duration LONGEST = Duration.ofMinutes(2);
    private static final Duration EVERY = Duration.ofMillis(500);
    private static final int SHOWN = 600;
    /** Prefix of the line in which PID 1 gives up. */
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

    /** Completes when waiting for the guest is pointless. */
    CompletableFuture<Void> failed() {
        return failed;
    }

    /** Why the guest did not come up, or {@code otherwise} if the console says nothing about it. */
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
