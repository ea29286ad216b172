package org.allod.machine;

import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;
import org.allod.base.Clock;
import org.allod.base.Ids;
import org.allod.base.MachineId;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** Changes records: durable first, then in the book. Changes of one machine are made one after the other. */
final class Ledger {
    private static final int STRIPES = 64;

    private final MachineTable table;
    private final Book book;
    private final Clock clock;
    private final Ids ids;
    private final ReentrantLock[] locks = new ReentrantLock[STRIPES];

    Ledger(MachineTable table, Book book, Clock clock, Ids ids) {
        this.table = table;
        this.book = book;
        this.clock = clock;
        this.ids = ids;
        for (int i = 0; i < STRIPES; i++) {
            locks[i] = new ReentrantLock();
        }
    }

    /** What to note beside a change. */
    record Note(String type, String source, ObjectNode request) {
        static Note of(String type, String source) {
            return new Note(type, source, JsonNodeFactory.instance.objectNode());
        }
    }

    /** Changes the record if the machine is still there; the new record. */
    Optional<Machine> change(MachineId id, UnaryOperator<Machine> by, Note... notes) {
        ReentrantLock lock = locks[Math.floorMod(id.hashCode(), STRIPES)];
        lock.lock();
        try {
            Optional<Machine> now = book.get(id);
            now.ifPresent(m -> {
                Machine next = by.apply(m);
                if (!next.equals(m) || notes.length > 0) {
                    save(next.at(clock.wall()), notes);
                }
            });
            return now.flatMap(m -> book.get(id));
        } finally {
            lock.unlock();
        }
    }

    /** The same where the record fits; else nothing is changed, and nothing answered. */
    Optional<Machine> change(MachineId id, UnaryOperator<Machine> by, Predicate<Machine> where, Note... notes) {
        ReentrantLock lock = locks[Math.floorMod(id.hashCode(), STRIPES)];
        lock.lock();
        try {
            return book.get(id).filter(where).flatMap(m -> change(id, by, notes));
        } finally {
            lock.unlock();
        }
    }

    /** Changes the state, noting it; a machine that is in that state already is left as it is. */
    void move(MachineId id, MachineState to, Note... notes) {
        if (book.get(id).filter(m -> m.state() != to).isPresent()) {
            change(id, m -> m.in(to, clock.wall()), notes);
        }
    }

    /** Puts a new record. */
    void save(Machine machine, Note... notes) {
        List<MachineEvent> events = java.util.Arrays.stream(notes)
                .map(n -> new MachineEvent(
                        ids.ulid(), n.type(), machine.state().wire(), n.source(), clock.wall(), n.request()))
                .toList();
        table.put(machine, events);
        book.put(machine);
    }
}
