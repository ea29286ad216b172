package org.allod.api;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import org.allod.base.MachineId;
import org.allod.machine.CheckStatus;
import org.allod.machine.Machine;
import org.allod.machine.MachineEvent;
import org.allod.machine.Machines;
import org.jspecify.annotations.Nullable;

/**
 * A cache of machines' JSON: most reads are of machines that did not change since the last one, and serialising a
 * thousand of them costs a hundred times what sending the bytes does. Safe for any thread.
 *
 * <p>An entry is valid only for the exact record it was built from: every change of a machine, including a new event,
 * creates a new record.
 */
final class MachineJsonCache {
    /** Maximum bytes of all entries; when it is reached the cache is cleared, which is simple and rare. */
    private static final long MAX_BYTES = 24 << 20;

    /** Entries of a list that one caller builds before it lets another run. */
    private static final int TURN = 100;

    private final Machines machines;
    private final ReentrantLock making = new ReentrantLock();
    private final Map<MachineId, Page> pages = new ConcurrentHashMap<>();
    private final AtomicLong held = new AtomicLong();

    private record Page(Machine record, List<CheckStatus> checks, byte[] json) {
        @SuppressWarnings("ReferenceEquality") // identity is intended: equal records can differ in events
        boolean shows(Machine now, List<CheckStatus> checksNow) {
            return record == now && checks.equals(checksNow);
        }
    }

    MachineJsonCache(Machines machines) {
        this.machines = machines;
        machines.listen(m -> drop(m.id()));
    }

    /** The machine with its configuration, newest events and checks. */
    byte[] whole(Machine m) {
        byte[] known = known(m);
        return known != null ? known : made(m, machines.events(m.id(), MachineViews.EVENTS));
    }

    /**
     * The same for each machine. A caller whose entries another is already building waits for that one, so that the
     * work is not done twice.
     */
    List<byte[]> whole(List<Machine> all) {
        byte[][] json = new byte[all.size()][];
        List<Integer> missing = new ArrayList<>();
        for (int i = 0; i < json.length; i++) {
            byte[] known = known(all.get(i));
            if (known != null) {
                json[i] = known;
            } else {
                missing.add(i);
            }
        }
        for (int from = 0; from < missing.size(); from += TURN) {
            List<Integer> turn = missing.subList(from, Math.min(from + TURN, missing.size()));
            making.lock();
            try {
                make(all, turn, json);
            } finally {
                making.unlock();
            }
        }
        return List.of(json);
    }

    private void make(List<Machine> all, List<Integer> wanted, byte[][] json) {
        List<Integer> missing = new ArrayList<>();
        for (int i : wanted) {
            byte[] known = known(all.get(i)); // built by another thread meanwhile
            if (known != null) {
                json[i] = known;
            } else {
                missing.add(i);
            }
        }
        if (!missing.isEmpty()) {
            List<List<MachineEvent>> events =
                    machines.events(missing.stream().map(i -> all.get(i).id()).toList(), MachineViews.EVENTS);
            for (int n = 0; n < missing.size(); n++) {
                json[missing.get(n)] = made(all.get(missing.get(n)), events.get(n));
            }
        }
    }

    private byte @Nullable [] known(Machine m) {
        Page page = pages.get(m.id());
        return page != null && page.shows(m, machines.checks(m.id())) ? page.json : null;
    }

    private byte[] made(Machine m, List<MachineEvent> events) {
        List<CheckStatus> checks = machines.checks(m.id());
        byte[] json = MachineViews.machine(m, events, checks).toString().getBytes(StandardCharsets.UTF_8);
        keep(m, new Page(m, checks, json));
        return json;
    }

    private void keep(Machine m, Page page) {
        if (held.addAndGet(page.json.length) > MAX_BYTES) {
            pages.clear();
            held.set(page.json.length);
        }
        Page before = pages.put(m.id(), page);
        if (before != null) {
            held.addAndGet(-before.json.length);
        }
    }

    private void drop(MachineId id) {
        Page before = pages.remove(id);
        if (before != null) {
            held.addAndGet(-before.json.length);
        }
    }
}
