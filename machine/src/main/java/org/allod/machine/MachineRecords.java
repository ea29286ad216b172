package org.allod.machine;

import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import org.allod.base.Clock;
import org.allod.base.IdGenerator;
import org.allod.base.MachineId;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * The one place where machines' records change: written durably first, then put into {@link MachineIndex}. Changes of
 * one machine are serialized.
 *
 * <p>A transient state alone is put into the index and not written ({@link #publishTransient}). It belongs to a run,
 * the run is durable, and after a crash the run publishes it again ({@link Reconciler#underWay}). This saves a wake one
 * flush of the disk.
 */
final class MachineRecords {
    private static final int STRIPES = 64;

    private final MachineTable table;
    private final MachineIndex index;
    private final Clock clock;
    private final IdGenerator ids;
    private final ReentrantLock[] locks = new ReentrantLock[STRIPES];

    MachineRecords(MachineTable table, MachineIndex index, Clock clock, IdGenerator ids) {
        this.table = table;
        this.index = index;
        this.clock = clock;
        this.ids = ids;
        for (int i = 0; i < STRIPES; i++) {
            locks[i] = new ReentrantLock();
        }
    }

    /**
     * An event to record with a change, in the same transaction.
     *
     * @param status the state the event shows; empty for the changed record's own
     */
    record Note(String type, String source, ObjectNode request, Optional<MachineState> status) {
        Note(String type, String source, ObjectNode request) {
            this(type, source, request, Optional.empty());
        }

        static Note of(String type, String source) {
            return new Note(type, source, JsonNodeFactory.instance.objectNode());
        }
    }

    /** Changes the record and returns the new one; empty if the machine is destroyed. */
    Optional<Machine> change(MachineId id, UnaryOperator<Machine> by, Note... notes) {
        return changeWithEvents(id, by, m -> notes);
    }

    private Optional<Machine> changeWithEvents(
            MachineId id, UnaryOperator<Machine> by, Function<Machine, Note[]> notes) {
        return exclusively(id, () -> {
            Optional<Machine> now = index.get(id);
            now.ifPresent(m -> {
                Machine next = by.apply(m);
                Note[] noted = notes.apply(m);
                if (!next.equals(m) || noted.length > 0) {
                    save(next.at(clock.wall()), noted);
                }
            });
            return now.flatMap(m -> index.get(id));
        });
    }

    private <T> T exclusively(MachineId id, Supplier<T> change) {
        ReentrantLock lock = locks[Math.floorMod(id.hashCode(), STRIPES)];
        return LockOrder.holding(LockOrder.Rank.RECORD, lock, lock, change::get);
    }

    /** The same if the record matches {@code where}; otherwise it changes nothing and returns empty. */
    Optional<Machine> change(MachineId id, UnaryOperator<Machine> by, Predicate<Machine> where, Note... notes) {
        return exclusively(id, () -> index.get(id).filter(where).flatMap(m -> change(id, by, notes)));
    }

    /** Changes the state and records the events; does nothing if the machine is in that state already. */
    void transition(MachineId id, MachineState to, Note... notes) {
        if (index.get(id).filter(m -> m.state() != to).isPresent()) {
            change(id, m -> m.withState(to, clock.wall()), notes);
        }
    }

    /** Publishes a transient state in memory only; after a restart of the daemon the run publishes it again. */
    void publishTransient(MachineId id, MachineState to) {
        publishTransient(id, m -> m.state() != to, to);
    }

    /** The same if the record matches {@code where}. */
    void publishTransient(MachineId id, Predicate<Machine> where, MachineState to) {
        var _ = exclusively(id, () -> {
            Optional<Machine> now = index.get(id).filter(where);
            now.ifPresent(m -> index.put(m.withState(to, clock.wall())));
            return now;
        });
    }

    /**
     * Ends a run: puts the machine into a lasting state. A record that has this state already is still replaced,
     * without an event, so that {@link LifecycleDispatcher}, comparing with the record it saw before the run began,
     * does not take it for unchanged and publish a transient state over it.
     */
    void finish(MachineId id, MachineState to, Note... notes) {
        var _ = changeWithEvents(id, m -> m.withState(to, clock.wall()), m -> m.state() == to ? new Note[0] : notes);
    }

    /**
     * Takes back the record of a machine whose create run could not be started; no caller has learned of the machine.
     * It leaves memory, with all its reservations, even if the disk fails; a row that stays in the table is removed
     * when the daemon next starts.
     */
    void discard(Machine machine) {
        index.put(machine.withState(MachineState.DESTROYED, clock.wall()));
        table.erase(machine.id());
    }

    /** Writes a record with its events, then puts it into the index. */
    void save(Machine machine, Note... notes) {
        List<MachineEvent> events = java.util.Arrays.stream(notes)
                .map(n -> new MachineEvent(
                        ids.ulid(),
                        n.type(),
                        n.status().orElse(machine.state()).wire(),
                        n.source(),
                        clock.wall(),
                        n.request()))
                .toList();
        table.put(machine, events);
        index.put(machine);
    }
}
