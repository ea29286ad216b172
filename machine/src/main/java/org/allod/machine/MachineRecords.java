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
 * Changes records: durable first, then in the book. Changes of one machine are made one after the other.
 *
 * <p>Only a transient state is told to the book and not written ({@link #publishTransient}): it belongs to a run, the run is durable,
 * and what a reader of the record would learn from it after a crash the run says better ({@link Reconciler#underWay}).
 * So a wake waits for one flush less.
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
     * What to note beside a change.
     *
     * @param status the state it tells of; empty for the record's own
     */
    record Note(String type, String source, ObjectNode request, Optional<MachineState> status) {
        Note(String type, String source, ObjectNode request) {
            this(type, source, request, Optional.empty());
        }

        static Note of(String type, String source) {
            return new Note(type, source, JsonNodeFactory.instance.objectNode());
        }
    }

    /** Changes the record if the machine is still there; the new record. */
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

    /** The same where the record fits; else nothing is changed, and nothing answered. */
    Optional<Machine> change(MachineId id, UnaryOperator<Machine> by, Predicate<Machine> where, Note... notes) {
        return exclusively(id, () -> index.get(id).filter(where).flatMap(m -> change(id, by, notes)));
    }

    /** Changes the state, noting it; a machine that is in that state already is left as it is. */
    void transition(MachineId id, MachineState to, Note... notes) {
        if (index.get(id).filter(m -> m.state() != to).isPresent()) {
            change(id, m -> m.withState(to, clock.wall()), notes);
        }
    }

    /** Says that a run is at work on the machine; lost with the process, and said again by the run. */
    void publishTransient(MachineId id, MachineState to) {
        publishTransient(id, m -> m.state() != to, to);
    }

    /** The same, where the record is one of those meant. */
    void publishTransient(MachineId id, Predicate<Machine> where, MachineState to) {
        var _ = exclusively(id, () -> {
            Optional<Machine> now = index.get(id).filter(where);
            now.ifPresent(m -> index.put(m.withState(to, clock.wall())));
            return now;
        });
    }

    /**
     * The end of a run: the state that lasts. A record that is in it already is written anew all the same, without a
     * note, so that whoever has seen it before does not take it for untouched and mark it as passing ({@link LifecycleDispatcher}).
     */
    void finish(MachineId id, MachineState to, Note... notes) {
        var _ = changeWithEvents(id, m -> m.withState(to, clock.wall()), m -> m.state() == to ? new Note[0] : notes);
    }

    /**
     * Takes back a record whose run could not be started: nobody was told of the machine. Whatever the disk does, the
     * machine is gone from memory with all that it was promised; a row that stays is removed by the next start.
     */
    void discard(Machine machine) {
        index.put(machine.withState(MachineState.DESTROYED, clock.wall()));
        table.erase(machine.id());
    }

    /** Puts a new record. */
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
