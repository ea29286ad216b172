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
 * The record of every machine that is not destroyed, in memory, for readers, waiters and listeners. Records are durable
 * before they are put here, except for a transient state, whose run is durable instead ({@link
 * MachineRecords#publishTransient}).
 *
 * <p>Thread rule: safe from any thread. {@link MachineRecords} serializes the puts of one machine.
 */
final class MachineIndex {
    record Waiter(Predicate<Machine> until, CompletableFuture<Machine> found) {}

    private final Map<MachineId, Machine> machines = new ConcurrentHashMap<>();
    /** The same records by app: a host may keep many of both, and apps are looked up as often as machines. */
    private final Map<String, AppMachines> apps = new ConcurrentHashMap<>();

    private final Map<MachineId, List<Waiter>> waiters = new ConcurrentHashMap<>();
    private final List<Consumer<Machine>> listeners = new CopyOnWriteArrayList<>();
    private final Supplier<List<Waiter>> lists;

    MachineIndex() {
        this(CopyOnWriteArrayList::new);
    }

    /** @param lists makes the list of one machine's waiters; tests pass one that forces an interleaving */
    MachineIndex(Supplier<List<Waiter>> lists) {
        this.lists = lists;
    }

    Optional<Machine> get(MachineId id) {
        return Optional.ofNullable(machines.get(id));
    }

    /** A live view of every machine: a start looks at it, and must not copy a hundred thousand records. */
    Collection<Machine> all() {
        return Collections.unmodifiableCollection(machines.values());
    }

    /** A live view of one app's machines, in no order. */
    Collection<Machine> of(String app) {
        AppMachines members = apps.get(app);
        return members == null ? List.of() : members.all();
    }

    /** One app's machines, oldest first, in an immutable list. */
    List<Machine> inOrder(String app) {
        AppMachines members = apps.get(app);
        return members == null ? List.of() : members.inOrder();
    }

    int size() {
        return machines.size();
    }

    private void index(Machine machine, boolean present) {
        apps.compute(machine.app(), (app, members) -> {
            AppMachines next = members == null ? new AppMachines() : members;
            return next.put(machine, present) ? next : null;
        });
    }

    /** Puts a record, or removes that of a destroyed machine; then calls the listeners and wakes the waiters. */
    void put(Machine machine) {
        if (machine.state() == MachineState.DESTROYED) {
            forget(machine.id());
        } else {
            machines.put(machine.id(), machine);
            index(machine, true);
        }
        // Listeners before waiters: a waiter that returns may rely on the edge knowing the new record.
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

    /** Makes the machine's waiters test their condition again, after a change that is not in its record. */
    void wakeWaiters(MachineId id) {
        get(id).ifPresent(this::wake);
    }

    /** Calls the listeners with an unchanged record, because something beside it changed: a health check. */
    void tell(Machine machine) {
        listeners.forEach(listener -> listener.accept(machine));
    }

    void forget(MachineId id) {
        Machine was = machines.remove(id);
        if (was != null) {
            index(was, false);
        }
    }

    /** Adds a listener. It is called with every record that is put, in order for any one machine; it must not block. */
    void listen(Consumer<Machine> listener) {
        listeners.add(listener);
    }

    /** Waits until the machine's record satisfies {@code until}; empty if it does not in time. */
    Optional<Machine> await(MachineId id, Predicate<Machine> until, Duration timeout) throws InterruptedException {
        Waiter waiter = new Waiter(until, new CompletableFuture<>());
        // Added inside compute: a list that another waiter removes as empty at this moment would never be woken.
        waiters.compute(id, (i, list) -> {
            List<Waiter> joined = list == null ? lists.get() : list;
            joined.add(waiter);
            return joined;
        });
        try {
            // Tested after the waiter is added, so that a change in between is seen by one of the two.
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
