package org.allod.machine;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.allod.base.FailedException;
import org.allod.base.SupervisedThread;
import org.allod.runtime.Exec;
import org.allod.runtime.ExecSpec;
import org.allod.runtime.Guest;

/**
 * The processes inside a guest, as its PID 1 reports them ({@code guest/src/table.rs}), so that images need no {@code
 * ps}. A guest is not trusted: the table is bounded, and entries that cannot be parsed are left out.
 */
public final class ProcessTable {
    /** The command that PID 1 handles itself. */
    static final String COMMAND = "allod:processes";

    private static final Duration PATIENCE = Duration.ofSeconds(10);
    private static final int MAX_BYTES = 4 << 20;
    private static final int FIELDS = 8;

    private ProcessTable() {}

    /**
     * One process.
     *
     * @param age how long it has run
     * @param cpu the processor time that it has used
     * @param rss resident memory in bytes
     * @param folder its working directory
     */
    public record Entry(
            long pid, Duration age, Duration cpu, long rss, String command, String folder, List<Listener> listeners) {
        /** Percent of one processor over its life. */
        public long share() {
            return age.isZero() ? 0 : cpu.toMillis() * 100 / age.toMillis();
        }
    }

    /** A socket that it listens on. */
    public record Listener(String protocol, String address) {}

    /** The columns that the table may be sorted by. */
    public enum Column {
        PID(Comparator.comparingLong(Entry::pid)),
        STIME(Comparator.comparing(Entry::age).reversed()),
        RTIME(Comparator.comparing(Entry::age)),
        CPU(Comparator.comparingLong(Entry::share)),
        RSS(Comparator.comparingLong(Entry::rss)),
        COMMAND(Comparator.comparing(Entry::command)),
        DIRECTORY(Comparator.comparing(Entry::folder));

        // These comparators hold no mutable state.
        @SuppressWarnings("ImmutableEnumChecker")
        private final Comparator<Entry> order;

        Column(Comparator<Entry> order) {
            this.order = order;
        }

        /** Ties are broken by pid. */
        public Comparator<Entry> order(boolean descending) {
            return (descending ? order.reversed() : order).thenComparingLong(Entry::pid);
        }

        public String wire() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /** Asks the guest. */
    public static List<Entry> of(Guest guest) throws InterruptedException {
        ExecSpec spec = new ExecSpec(List.of(COMMAND), Map.of(), Optional.of("/"), Optional.of("0"), Optional.empty());
        try (Exec exec = guest.exec(spec)) {
            FutureTask<byte[]> read = new FutureTask<>(() -> exec.stdout().readNBytes(MAX_BYTES + 1));
            Thread _ = SupervisedThread.start("guest-processes", "processes of " + guest.machine(), read);
            byte[] said = read.get(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
            var exit = exec.exited().get(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
            if (exit.code() != 0 || said.length > MAX_BYTES) {
                throw new FailedException("machine %s did not tell its processes: exit code %d, %d bytes"
                        .formatted(guest.machine(), exit.code(), said.length));
            }
            return parse(said);
        } catch (TimeoutException e) {
            throw new FailedException("machine " + guest.machine() + " did not tell its processes", e);
        } catch (ExecutionException e) {
            throw new FailedException("machine " + guest.machine() + " did not tell its processes: " + e.getCause(), e);
        }
    }

    /** Parses the table; a process whose fields are not plausible is left out. */
    static List<Entry> parse(byte[] table) {
        String[] fields = new String(table, StandardCharsets.UTF_8).split("\0", -1);
        List<Entry> processes = new ArrayList<>();
        for (int at = 0; at + FIELDS < fields.length; at += FIELDS) {
            long pid = number(fields[at]);
            long age = number(fields[at + 1]);
            long ticks = number(fields[at + 2]);
            long rss = number(fields[at + 3]);
            if (pid > 0 && age >= 0 && ticks >= 0 && rss >= 0) {
                processes.add(new Entry(
                        pid,
                        Duration.ofSeconds(age),
                        Duration.ofMillis(ticks * 10),
                        rss,
                        fields[at + 5],
                        fields[at + 6],
                        listeners(fields[at + 7])));
            }
        }
        return processes;
    }

    private static List<Listener> listeners(String text) {
        List<Listener> listeners = new ArrayList<>();
        for (String word : text.split(",", 100)) {
            int space = word.indexOf(' ');
            if (space > 0) {
                listeners.add(new Listener(word.substring(0, space), word.substring(space + 1)));
            }
        }
        return List.copyOf(listeners);
    }

    /** A plausible number, or -1. */
    private static long number(String text) {
        return text.matches("[0-9]{1,15}") ? Long.parseLong(text) : -1;
    }
}
