package org.allod.runtime;

import java.io.IOException;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.allod.base.Clock;
import org.allod.base.FailedException;
import org.allod.base.FatalErrors;
import org.allod.base.LoopFailures;
import org.allod.base.MachineId;
import org.allod.base.Poll;
import org.allod.base.SupervisedTask;
import org.allod.base.Timers;
import org.jspecify.annotations.Nullable;

/**
 * The standing conversation with one guest: over as many {@link GuestLink}s as it takes, one at a time. A link that
 * breaks is made anew, with growing pauses; a guest that talks nonsense all the time costs next to nothing. The exit of
 * the main process is written to a file before the guest is told that it was taken.
 *
 * <p>Any thread.
 */
final class GuestChannel implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(GuestChannel.class.getName());
    private static final Duration FIRST_PAUSE = Duration.ofMillis(50);
    private static final Duration LONGEST_PAUSE = Duration.ofSeconds(10);
    /** After a link was cut off; twice as long after each further one, so that being cut off is no way to flood us. */
    private static final Duration FIRST_PENALTY = Duration.ofSeconds(10);

    private static final Duration LONGEST_PENALTY = Duration.ofMinutes(1);
    /** A link that has held so long makes up for those that were cut off before it. */
    private static final Duration REFORMED = Duration.ofMinutes(10);

    private static final Duration GREETING = Duration.ofSeconds(2);
    /** How long a caller waits for a link that is just being made again. */
    private static final Duration LINK_WAIT = Duration.ofSeconds(5);

    private static final Duration START = Duration.ofSeconds(30);

    /** A way to reach the guest. Each call makes a new connection, or throws where none is to be had now. */
    interface Dialer {
        SocketChannel dial(Duration bound) throws IOException;
    }

    private final MachineId machine;
    private final Dialer dialer;
    private final ConsoleLog log;
    private final Path exitFile;
    private final Clock clock;
    private final Timers timers;
    private final CompletableFuture<ExitStatus> exited = new CompletableFuture<>();
    private @Nullable GuestLink link;
    private Duration pause = FIRST_PAUSE;
    private long linkedAt;
    private int cuts;
    private boolean closed;

    /** @param folder the machine's own; the exit is kept there */
    GuestChannel(MachineId machine, Dialer dialer, ConsoleLog log, Path folder, Clock clock, Timers timers) {
        this.machine = machine;
        this.dialer = dialer;
        this.log = log;
        this.exitFile = exitFile(folder);
        this.clock = clock;
        this.timers = timers;
    }

    /**
     * Makes the first connection, trying again until {@code bound}: a guest that boots is not there at once.
     *
     * @param greeting how long one try waits for an answer; a fresh guest answers when it is up, so all of the bound;
     *     one that is adopted answers at once, or is stuck in the middle of a word and must be called again
     * @param gone whether there is no use in trying on
     */
    void open(Duration bound, Duration greeting, CompletableFuture<?> gone) {
        String[] why = {"no answer"};
        boolean[] connected = {false};
        Poll.within(bound, Duration.ofMillis(10), () -> {
            try {
                connect(greeting);
                connected[0] = true;
            } catch (IOException | FailedException e) {
                why[0] = String.valueOf(e.getMessage());
            }
            return connected[0] || gone.isDone();
        });
        if (!connected[0]) {
            throw new FailedException("cannot reach the guest of machine " + machine + ": " + why[0]);
        }
    }

    /**
     * Makes the first connection to a guest that runs already, and goes on trying where it does not answer in time: a
     * guest that misbehaves runs all the same, and can be ended.
     */
    void adopt(Duration bound) {
        adopt(bound, bound);
    }

    /** As {@link #adopt(Duration)}, calling again each {@code greeting}: a serial port may be in the middle of a word. */
    void adopt(Duration bound, Duration greeting) {
        try {
            open(bound, greeting, new CompletableFuture<>());
        } catch (Throwable e) {
            FatalErrors.check(e);
            synchronized (this) {
                if (closed) {
                    return;
                }
            }
            log.note("the guest does not answer: " + e.getMessage());
            var _ = timers.after(pause, this::reconnect);
        }
    }

    private void connect(Duration greeting) throws IOException {
        GuestLink made = GuestLink.open(machine.text(), dialer.dial(greeting), log, clock, timers, greeting);
        synchronized (this) {
            if (closed) {
                made.close();
                return;
            }
            link = made;
            linkedAt = clock.monoNanos();
            notifyAll();
        }
        var _ = made.exited().thenAccept(exit -> ended(made, exit));
        var _ = made.closed().thenAccept(why -> broken(made, why));
    }

    private void ended(GuestLink from, ExitStatus exit) {
        // Not on the link's own thread: it has to go on reading.
        Thread _ = SupervisedTask.start("guest-exit", "guest-exit-" + machine, this::open, () -> {
            log.flush();
            try {
                write(exitFile, exit);
            } finally {
                // Also where there is no room for the file: what follows frees some. The guest keeps its report until
                // it
                // is told that we have it, so a daemon that dies meanwhile hears of it again.
                exited.complete(exit);
            }
            from.exitTaken();
        });
    }

    private synchronized boolean open() {
        return !closed;
    }

    private void broken(GuestLink old, String why) {
        boolean cut = why.startsWith("cut off");
        Duration wait;
        int times;
        synchronized (this) {
            if (link == old) {
                link = null;
            }
            if (closed || exited.isDone()) {
                return;
            }
            Duration held = Duration.ofNanos(clock.monoNanos() - linkedAt);
            if (held.compareTo(LONGEST_PAUSE) >= 0) {
                pause = FIRST_PAUSE;
            }
            if (cut) {
                cuts = held.compareTo(REFORMED) >= 0 ? 1 : cuts + 1;
            }
            times = cuts;
            // A defect of ours will be met again: not at once.
            wait = cut ? penalty(times) : why.startsWith(GuestLink.OURS) ? LONGEST_PAUSE : pause;
            pause = longer(pause, LONGEST_PAUSE);
        }
        if (cut) {
            log.note("the link to the guest was " + why + "; it is made again in " + wait.toSeconds() + " s (cut off "
                    + times + " times)");
            if (Integer.bitCount(times) == 1) { // the 1st, 2nd, 4th… time: one machine must not fill the daemon's log
                LOG.log(
                        System.Logger.Level.WARNING,
                        "machine " + machine + ": the link to its guest was " + why + " (" + times + " times)");
            }
        }
        var _ = timers.after(wait, this::reconnect);
    }

    private static Duration penalty(int cuts) {
        Duration penalty = FIRST_PENALTY;
        for (int i = 1; i < cuts && penalty.compareTo(LONGEST_PENALTY) < 0; i++) {
            penalty = longer(penalty, LONGEST_PENALTY);
        }
        return penalty;
    }

    private static Duration longer(Duration pause, Duration longest) {
        Duration twice = pause.multipliedBy(2);
        return twice.compareTo(longest) > 0 ? longest : twice;
    }

    private void reconnect() {
        synchronized (this) {
            if (closed || link != null || exited.isDone()) {
                return;
            }
        }
        try {
            connect(GREETING);
        } catch (Throwable e) {
            // Whatever it was, the chain of tries goes on: nobody else makes the link again.
            FatalErrors.check(e);
            if (e instanceof IOException || e instanceof FailedException) {
                LOG.log(System.Logger.Level.DEBUG, "machine " + machine + ": " + e.getMessage());
            } else {
                LoopFailures.ofProcess().report("guest-reconnect", e);
            }
            Duration wait;
            synchronized (this) {
                wait = pause;
                pause = longer(pause, LONGEST_PAUSE);
            }
            var _ = timers.after(wait, this::reconnect);
        }
    }

    /** Tells the guest what it is, unless it knows. */
    void configure(GuestSetup setup) {
        GuestLink current = link();
        if (current.welcome().state() == GuestFrame.State.UNSET) {
            current.configure(setup, START);
        }
    }

    Exec exec(ExecSpec spec) {
        return link().exec(spec);
    }

    void signal(int number) {
        link().signal(number);
    }

    /** Asks about a volume; what the guest could not do is an error of the host's. */
    GuestFrame.VolumeState volume(HostFrame.Volumes what, String path, Duration bound) {
        GuestFrame.VolumeState state = link().volume(what, path, bound);
        if (!state.why().isEmpty()) {
            throw new FailedException("the guest of machine " + machine + ": " + state.why());
        }
        return state;
    }

    void ping(Duration bound) {
        link().ping(bound);
    }

    /**
     * Completes when the main process has ended and that is written down, or with {@link ExitStatus#LOST} after {@link
     * #gone}.
     */
    CompletableFuture<ExitStatus> exited() {
        return exited.copy();
    }

    /** Has the guest let go, before its memory is saved. The channel is closed by it. */
    void release(Duration bound) {
        GuestLink current = link();
        synchronized (this) {
            closed = true;
        }
        try {
            current.release(bound);
        } finally {
            close();
        }
    }

    /** The guest's process on the host has ended: what it had said is heard to the end, then the exit is lost. */
    void gone() {
        GuestLink current;
        synchronized (this) {
            current = link;
        }
        if (current != null) {
            Poll.within(GREETING, Duration.ofMillis(2), () -> current.closed().isDone());
            if (current.exited().isDone()) {
                Poll.within(GREETING, Duration.ofMillis(2), exited::isDone);
            }
        }
        close();
        exited.complete(kept());
    }

    /** What the file says; one that cannot be read must not keep the guest's end from being known. */
    private ExitStatus kept() {
        try {
            return read(exitFile).orElse(ExitStatus.LOST);
        } catch (FailedException e) {
            LoopFailures.ofProcess().report("guest-exit", e);
            return ExitStatus.LOST;
        }
    }

    private synchronized GuestLink link() {
        long end = clock.monoNanos() + LINK_WAIT.toNanos();
        for (long left = LINK_WAIT.toMillis(); link == null && !closed && left > 0; ) {
            try {
                wait(left);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                break;
            }
            left = (end - clock.monoNanos()) / 1_000_000;
        }
        if (link == null) {
            throw new FailedException("the guest of machine " + machine + " cannot be spoken to: "
                    + (closed ? "it is going away" : "its link is down"));
        }
        return link;
    }

    /** Ends the conversation; the guest goes on, and keeps what it has to say. */
    @Override
    public void close() {
        GuestLink current;
        synchronized (this) {
            closed = true;
            current = link;
            link = null;
            notifyAll();
        }
        if (current != null) {
            current.close();
        }
        log.flush();
    }

    static Path exitFile(Path folder) {
        return folder.resolve("exit");
    }

    /** How the last guest's main process ended, if that was taken. */
    static Optional<ExitStatus> read(Path file) {
        try {
            String[] words = Files.readString(file).strip().split(" ", -1);
            return Optional.of(
                    new ExitStatus(Integer.parseInt(words[0]), Integer.parseInt(words[1]), words[2].equals("true")));
        } catch (NoSuchFileException e) {
            return Optional.empty();
        } catch (IOException | RuntimeException e) {
            throw new FailedException("cannot read how the guest ended from " + file + ": " + e.getMessage(), e);
        }
    }

    private static void write(Path file, ExitStatus exit) {
        Path half = file.resolveSibling(file.getFileName() + ".new");
        try {
            Files.writeString(half, exit.code() + " " + exit.signal() + " " + exit.oomKilled() + "\n");
            Files.move(half, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            throw new FailedException("cannot write how the guest ended to " + file + ": " + e.getMessage(), e);
        }
    }
}
