package org.allod.api;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import org.allod.base.MachineId;
import org.allod.machine.CheckStatus;
import org.allod.machine.Machine;
import org.allod.machine.MachineEvent;
import org.allod.machine.Machines;

/**
 * Machines as the API shows them, kept as bytes: most reads are of machines that did not change since the last one, and
 * making JSON of a thousand of them costs a hundred times what sending it does. Safe for any thread.
 *
 * <p>A page is right as long as it was made of the very record that is current: every change of a machine, an event
 * among them, makes a new record.
 */
final class MachinePages {
    /** Of all pages together; when it is reached they are all made anew, which is simple and rare. */
    private static final long MAX_BYTES = 24 << 20;

    private final Machines machines;
    private final Map<MachineId, Page> pages = new ConcurrentHashMap<>();
    private final AtomicLong held = new AtomicLong();

    private record Page(Machine record, List<CheckStatus> checks, byte[] json) {
        @SuppressWarnings("ReferenceEquality") // the same record, not one that looks like it: events are not in it
        boolean shows(Machine now, List<CheckStatus> checksNow) {
            return record == now && checks.equals(checksNow);
        }
    }

    MachinePages(Machines machines) {
        this.machines = machines;
        machines.listen(m -> drop(m.id()));
    }

    /** Each machine with its configuration, newest events and checks. */
    List<byte[]> whole(List<Machine> all) {
        byte[][] json = new byte[all.size()][];
        List<Integer> missing = new ArrayList<>();
        for (int i = 0; i < json.length; i++) {
            Machine m = all.get(i);
            Page page = pages.get(m.id());
            if (page != null && page.shows(m, machines.checks(m.id()))) {
                json[i] = page.json;
            } else {
                missing.add(i);
            }
        }
        if (!missing.isEmpty()) {
            List<List<MachineEvent>> events =
                    machines.events(missing.stream().map(i -> all.get(i).id()).toList(), Views.EVENTS);
            for (int n = 0; n < events.size(); n++) {
                json[missing.get(n)] = made(all.get(missing.get(n)), events.get(n));
            }
        }
        return List.of(json);
    }

    private byte[] made(Machine m, List<MachineEvent> events) {
        List<CheckStatus> checks = machines.checks(m.id());
        byte[] json = Views.machine(m, events, checks).toString().getBytes(StandardCharsets.UTF_8);
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
