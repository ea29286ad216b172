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
 * The persistent channel to one guest, over a sequence of {@link GuestLink}s, one at a time. A broken link is
 * re-established with growing pauses, so that a misbehaving guest costs next to nothing. The exit status of the main
 * process is written to a file before the guest is told that it was received.
 *
 * <p>Safe for any thread.
 */
final class GuestChannel implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(GuestChannel.class.getName());
    private static final Duration FIRST_PAUSE = Duration.ofMillis(50);
    private static final Duration LONGEST_PAUSE = Duration.ofSeconds(10);
    /**
     * Pause after a link was cut off for a protocol violation; it doubles with each further one, so that a guest cannot
     * flood the host by being cut off.
     */
    private static final Duration FIRST_PENALTY = Duration.ofSeconds(10);

    private static final Duration LONGEST_PENALTY = Duration.ofMinutes(1);
    /** A link that lasted this long resets the count of cut-off links. */
    private static final Duration REFORMED = Duration.ofMinutes(10);

    private static final Duration GREETING = Duration.ofSeconds(2);
    /** How long a caller waits while the link is being re-established. */
    private static final Duration LINK_WAIT = Duration.ofSeconds(5);

    private static final Duration START = Duration.ofSeconds(30);

    /** Connects to the guest. Each call makes a new connection, or throws if none is possible now. */
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

    /** @param folder the machine's folder; the exit file is kept there */
    GuestChannel(MachineId machine, Dialer dialer, ConsoleLog log, Path folder, Clock clock, Timers timers) {
        this.machine = machine;
        this.dialer = dialer;
        this.log = log;
        this.exitFile = exitFile(folder);
        this.clock = clock;
        this.timers = timers;
    }

    /**
     * Makes the first connection and retries until {@code bound}, because a booting guest is not reachable at once.
     *
     * @param greeting how long one attempt waits for an answer. A new guest answers once it is up, so use all of the
     *     bound. An adopted one answers at once, or its serial port is stuck in the middle of a frame and it must be
     *     greeted again
     * @param gone completes when further attempts are pointless
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
     * Makes the first connection to a guest that is already running. If it does not answer in time, keeps trying in the
     * background: an unresponsive guest still runs and can be ended.
     */
    void adopt(Duration bound) {
        adopt(bound, bound);
    }

    /**
     * As {@link #adopt(Duration)}, with a new greeting after each {@code greeting}: a serial port may be in the middle
     * of a frame.
     */
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
        // On another thread, because the link's own must continue to read.
        Thread _ = SupervisedTask.start("guest-exit", "guest-exit-" + machine, this::open, () -> {
            log.flush();
            try {
                write(exitFile, exit);
            } finally {
                // Complete the exit even if the file could not be written for lack of space: ending the machine frees
                // some. The guest keeps its report until {@code exitTaken}, so after a crash of this daemon the next
                // one receives it again.
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
            // An error of the host's own would likely recur, so it waits longest.
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

    /** Sends PID 1 its configuration, unless it has one. */
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

    /** Sends a volume request; a failure that the guest reports is thrown. */
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
     * Completes when the main process has ended and its exit is recorded, or with {@link ExitStatus#LOST} after {@link
     * #gone}.
     */
    CompletableFuture<ExitStatus> exited() {
        return exited.copy();
    }

    /** Has the guest release the connection before its memory is saved. Closes the channel. */
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

    /**
     * The guest's host process has ended: reads what the guest had sent, then completes the exit, as lost if it was not
     * reported.
     */
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

    /** The recorded exit. An unreadable file must not hide that the guest has ended. */
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

    /** Closes the channel; the guest continues and keeps its unacknowledged output. */
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

    /** The recorded exit of the last guest's main process, if there is one. */
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
