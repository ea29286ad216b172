package org.allod.sim;

import java.util.ArrayList;
import java.util.List;
import org.allod.base.Rng;

/**
 * A journal on a disk: what was appended is safe once a flush that began later has ended. A crash keeps what is safe and any
 * part from the front of the rest.
 */
public final class SimulatedDisk<E> {
    private final EventQueue events;
    private final Rng rng;
    private final List<E> entries = new ArrayList<>();
    private final boolean lies;
    private int safe;
    private int crashes;
    private long flushNanos = 1_000_000;

    /** @param lies says of half the flushes that they are done without doing them: a fault for tests to find */
    SimulatedDisk(EventQueue events, Rng rng, boolean lies) {
        this.events = events;
        this.rng = rng;
        this.lies = lies;
    }

    /** Up to how long a flush takes. */
    void flushNanos(long nanos) {
        flushNanos = nanos;
    }

    /** Appends, and tells when it is safe. */
    void append(E entry, Runnable flushed) {
        entries.add(entry);
        int size = entries.size();
        int before = crashes;
        events.after(50_000 + rng.nextLong(flushNanos), () -> {
            if (crashes == before) {
                safe = lies && rng.chance(0.5) ? safe : Math.max(safe, size);
                flushed.run();
            }
        });
    }

    /** The host loses power: what is not safe may be there or not, from the end on. */
    void crash() {
        crashes++;
        int kept = safe + rng.nextInt(entries.size() - safe + 1);
        entries.subList(kept, entries.size()).clear();
        safe = kept;
    }

    /** What a process finds that starts. */
    List<E> records() {
        return List.copyOf(entries);
    }
}
