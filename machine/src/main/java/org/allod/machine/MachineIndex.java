package org.allod.machine;

import java.time.Duration;
import java.util.Collection;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.allod.base.Bug;
import org.allod.base.MachineId;

/**
 * Every living machine's record, in memory, for whoever reads, waits or listens. What is here is already durable, but
 * for a transient state: of that, the run it belongs to is ({@link MachineRecords#publishTransient}).
 */
final class MachineIndex {
    record Waiter(Predicate<Machine> until, CompletableFuture<Machine> found) {}

    private final Map<MachineId, Machine> machines = new ConcurrentHashMap<>();
    /** The same by app, since an app is asked for as often as a machine, and a host may keep many of both. */
    private final Map<String, AppMachines> apps = new ConcurrentHashMap<>();

    private final Map<MachineId, List<Waiter>> waiters = new ConcurrentHashMap<>();
    private final List<Consumer<Machine>> listeners = new CopyOnWriteArrayList<>();
    private final Supplier<List<Waiter>> lists;

    MachineIndex() {
        this(CopyOnWriteArrayList::new);
    }

    /** @param lists of those who wait for one machine; a test's come between two of them */
    MachineIndex(Supplier<List<Waiter>> lists) {
        this.lists = lists;
    }

    Optional<Machine> get(MachineId id) {
        return Optional.ofNullable(machines.get(id));
    }

    /** Every machine, as they are while they are gone through: no copy of a hundred thousand for each start of one. */
    Collection<Machine> all() {
        return Collections.unmodifiableCollection(machines.values());
    }

    /** The same of an app. */
    Collection<Machine> of(String app) {
        AppMachines roster = apps.get(app);
        return roster == null ? List.of() : roster.all();
    }

    /** The app's, oldest first; a list that does not change. */
    List<Machine> inOrder(String app) {
        AppMachines roster = apps.get(app);
        return roster == null ? List.of() : roster.inOrder();
    }

    int size() {
        return machines.size();
    }

    private void index(Machine machine, boolean there) {
        apps.compute(machine.app(), (app, members) -> {
            AppMachines next = members == null ? new AppMachines() : members;
            return next.put(machine, there) ? next : null;
        });
    }

    /** Puts a record, drops a destroyed one, and tells. */
    void put(Machine machine) {
        if (machine.state() == MachineState.DESTROYED) {
            forget(machine.id());
        } else {
            machines.put(machine.id(), machine);
            index(machine, true);
        }
        // Listeners first: whoever waited may rely on the edge knowing already.
        tell(machine);
        wake(machine);
    }

    private void wake(Machine machine) {
        for (Waiter waiter : waiters.getOrDefault(machine.id(), List.of())) {
            if (waiter.until.test(machine)) {
                waiter.found.complete(machine);
            }
        }
    }

    /** Has those who wait for this machine look again: what changed is not in its record. */
    void wakeWaiters(MachineId id) {
        get(id).ifPresent(this::wake);
    }

    /** Tells the listeners of a record that is as it was, because something beside it changed: a check. */
    void tell(Machine machine) {
        listeners.forEach(listener -> listener.accept(machine));
    }

    void forget(MachineId id) {
        Machine was = machines.remove(id);
        if (was != null) {
            index(was, false);
        }
    }

    /** Is told every record that is put, in order for any one machine; must be quick. */
    void listen(Consumer<Machine> listener) {
        listeners.add(listener);
    }

    /** Waits until the machine's record fits; nothing where it did not in time. */
    Optional<Machine> await(MachineId id, Predicate<Machine> until, Duration timeout) throws InterruptedException {
        Waiter waiter = new Waiter(until, new CompletableFuture<>());
        // Added while the map holds the list: one that another takes out as empty at this moment would be nobody's.
        waiters.compute(id, (i, list) -> {
            List<Waiter> joined = list == null ? lists.get() : list;
            joined.add(waiter);
            return joined;
        });
        try {
            // Looked at after the waiter is in place: a change in between is seen by one or the other.
            Machine now = machines.get(id);
            if (now != null && until.test(now)) {
                return Optional.of(now);
            }
            return Optional.of(waiter.found.get(timeout.toMillis(), TimeUnit.MILLISECONDS));
        } catch (TimeoutException e) {
            return Optional.empty();
        } catch (ExecutionException e) {
            throw new Bug("a waiter's future never fails", e);
        } finally {
            waiters.computeIfPresent(id, (i, list) -> {
                list.remove(waiter);
                return list.isEmpty() ? null : list;
            });
        }
    }
}
