package org.allod.host;

import java.lang.System.Logger.Level;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import org.allod.base.BelievedClock;
import org.allod.base.SupervisedTimer;
import org.allod.base.Timers;
import org.allod.base.Ulid;
import org.allod.store.Database;

/**
 * Checks the wall clock for steps once a minute, and persists the state of a {@link BelievedClock} across restarts in
 * {@code host.db}. A failed write, for example on a full disk, loses at most a day of that state.
 */
final class ClockRecord implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger("allod.host");
    private static final Duration LOOK = Duration.ofMinutes(1);

    /** Checks between two writes: within the time that a restart may take for the state to be trusted. */
    private static final int WRITE = 5;

    private static final String FACT = "clock";

    private final Database database;
    private final BelievedClock clock;
    private final SupervisedTimer timer;
    private int looks;

    ClockRecord(Database database, BelievedClock clock, Timers timers) {
        this.database = database;
        this.clock = clock;
        this.timer = new SupervisedTimer("clock-record", timers, LOOK, this::look);
    }

    /**
     * Restores what the last daemon stored.
     *
     * @return an id greater than every id made by then, for {@code IdGenerator.after}
     */
    Ulid restore() {
        Optional<String> kept = database.read(
                tx -> tx.first("SELECT value FROM host_fact WHERE name = ?", row -> row.getString(1), FACT));
        kept.flatMap(ClockRecord::parse)
                .filter(last -> !clock.restore(last))
                .ifPresent(last -> LOG.log(
                        Level.WARNING,
                        "the calendar is at {0}, and was at {1} when the last daemon looked: nothing is deleted for its age until"
                                + " it has been steady for a day",
                        clock.wall(),
                        last.wall()));
        return new Ulid((clock.state().highest().toEpochMilli() + 1) << 16, 0);
    }

    /** Starts checking. */
    void start() {
        timer.start();
    }

    private void look() {
        boolean stepped = clock.observe();
        if (stepped) {
            LOG.log(
                    Level.WARNING,
                    "the calendar stepped to {0}: nothing is deleted for its age until it has been steady for a day",
                    clock.wall());
        }
        if (stepped || ++looks % WRITE == 0) {
            write();
        }
    }

    private void write() {
        BelievedClock.State state = clock.state();
        String text = "%d %d %d"
                .formatted(
                        state.wall().toEpochMilli(),
                        state.steady().toMillis(),
                        state.highest().toEpochMilli());
        try {
            database.write(tx -> tx.update(
                    "INSERT INTO host_fact (name, value) VALUES (?1, ?2) "
                            + "ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                    FACT,
                    text));
        } catch (RuntimeException e) {
            LOG.log(Level.WARNING, "what is known of the calendar was not written down; tried again later", e);
        }
    }

    private static Optional<BelievedClock.State> parse(String text) {
        String[] parts = text.split(" ", -1);
        try {
            return Optional.of(new BelievedClock.State(
                    Instant.ofEpochMilli(Long.parseLong(parts[0])),
                    Duration.ofMillis(Long.parseLong(parts[1])),
                    Instant.ofEpochMilli(Long.parseLong(parts[2]))));
        } catch (RuntimeException e) {
            LOG.log(Level.WARNING, "the fact \"clock\" of this host is \"" + text + "\" and is not understood", e);
            return Optional.empty();
        }
    }

    @Override
    public void close() {
        timer.close();
        write();
    }
}
