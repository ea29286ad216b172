package org.allod.machine;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Predicate;
import org.allod.base.FailedException;
import org.allod.base.MachineId;
import org.allod.base.Poll;
import org.allod.base.RejectedException;
import org.allod.fsm.RunId;
import org.allod.runtime.Guest;
import tools.jackson.databind.node.ObjectNode;

/**
 * The machines of this host: the facade that the API, the edge and deploys call. An operation (start, stop, …) returns
 * once its run is durable, or a {@link RejectedException} says why it is refused; {@link #await} waits for the result.
 *
 * <p>Thread rule: safe from any thread. Methods that write block until the write is durable; call them on virtual
 * threads.
 */
public final class Machines {
    /** How long the news of a guest's exit may follow the loss of its channel. */
    private static final Duration EXIT_NEWS = Duration.ofSeconds(1);

    private final LifecycleDispatcher dispatcher;
    private final MachineCreator creator;
    private final MachineUpdater updater;
    private final MachineIndex index;
    private final MachineTable table;
    private final AppTable apps;
    private final LifecycleRunTypes lifecycle;
    private final Leases leases;
    private final MachineWaiter waiter;
    private final GuestRegistry guests;
    private final GuestSpecFactory specs;
    private final HealthChecker checks;
    private final CapacityReservations reservations;
    private final Volumes volumes;
    private final BootAdmission admission;

    Machines(
            LifecycleDispatcher dispatcher,
            MachineCreator creator,
            MachineUpdater updater,
            MachineIndex index,
            MachineTable table,
            AppTable apps,
            LifecycleRunTypes lifecycle,
            Leases leases,
            MachineWaiter waiter,
            GuestRegistry guests,
            GuestSpecFactory specs,
            HealthChecker checks,
            CapacityReservations reservations,
            Volumes volumes,
            BootAdmission admission) {
        this.dispatcher = dispatcher;
        this.creator = creator;
        this.updater = updater;
        this.index = index;
        this.table = table;
        this.apps = apps;
        this.lifecycle = lifecycle;
        this.leases = leases;
        this.waiter = waiter;
        this.guests = guests;
        this.specs = specs;
        this.checks = checks;
        this.reservations = reservations;
        this.volumes = volumes;
        this.admission = admission;
    }

    // --- apps

    public App createApp(String name, Optional<String> network) {
        return apps.create(name, network);
    }

    public App app(String name) {
        return apps.get(name);
    }

    public Optional<App> findApp(String name) {
        return apps.find(name);
    }

    public List<App> apps() {
        return apps.list();
    }

    /** Registers a listener that takes part in every deletion of an app. */
    public void atAppEnd(AppDeletionListener listener) {
        apps.atEnd(listener);
    }

    /** Deletes an app. With {@code force} its machines and volumes are destroyed first; without, it must have none. */
    public void deleteApp(String name, boolean force, Actor actor) throws InterruptedException {
        apps.delete(name, () -> checkDeletable(name, force, actor), () -> destroyAll(name, actor));
    }

    /** Refuses what may not be deleted; whether the app is empty already. */
    private boolean checkDeletable(String name, boolean force, Actor actor) {
        List<Machine> left = List.copyOf(index.of(name));
        if (!left.isEmpty() && !force) {
            throw RejectedException.because(
                    RejectedException.Reason.CONFLICT,
                    "app %s has %d %s".formatted(name, left.size(), left.size() == 1 ? "machine" : "machines"),
                    "destroy them first, or ask with force=true");
        }
        List<Volume> disks = volumes.list(name);
        if (!disks.isEmpty() && !force) {
            throw RejectedException.because(
                    RejectedException.Reason.CONFLICT,
                    "app %s has %d %s".formatted(name, disks.size(), disks.size() == 1 ? "volume" : "volumes"),
                    "delete them first, or ask with force=true: what is in them is then lost");
        }
        left.forEach(machine -> leases.check(machine.id(), actor));
        return left.isEmpty() && disks.isEmpty();
    }

    private void destroyAll(String name, Actor actor) throws InterruptedException {
        // Start every destroy before waiting for any, so that they run in parallel, as many as the queue allows.
        List<RunId> ends = new ArrayList<>();
        for (Machine machine : List.copyOf(index.of(name))) {
            ends.add(destroy(machine, true, actor));
        }
        for (RunId end : ends) {
            dispatcher.await(end, Duration.ofMinutes(2));
        }
        for (Volume disk : volumes.list(name)) {
            volumes.deleteOnceFree(disk, Duration.ofMinutes(1));
        }
    }

    /**
     * Runs {@code work} while the app cannot be deleted. Keep it short: a deletion waits for it.
     *
     * @throws RejectedException if there is no such app, or it is being deleted
     */
    public <T, E extends Exception> T within(String app, Work<T, E> work) throws E {
        return apps.within(app, there -> work.run());
    }

    /** What {@link #within} runs. */
    public interface Work<T, E extends Exception> {
        T run() throws E;
    }

    /** How many volumes the app has. */
    public int volumes(String app) {
        return volumes.list(app).size();
    }

    // --- reading

    /** A machine of the app; also one that was destroyed lately and whose record is still kept. */
    public Machine get(String app, MachineId id) {
        apps.get(app);
        return index.get(id)
                .or(() -> table.find(id))
                .filter(m -> m.app().equals(app))
                .orElseThrow(() -> RejectedException.notFound("there is no machine " + id + " in app " + app));
    }

    public Optional<Machine> find(MachineId id) {
        return index.get(id);
    }

    /** The app's machines, oldest first. */
    public List<Machine> list(String app, boolean destroyedToo) {
        apps.get(app);
        if (!destroyedToo) {
            return index.inOrder(app);
        }
        List<Machine> machines = new ArrayList<>(index.inOrder(app));
        machines.addAll(table.destroyed(app));
        machines.sort(AppMachines.OLDEST_FIRST);
        return machines;
    }

    /** A live view of the app's machines that are not destroyed, in no order; empty if there is no such app. */
    public Collection<Machine> of(String app) {
        return index.of(app);
    }

    /** A live view of every machine that is not destroyed, in no order. */
    public Collection<Machine> all() {
        return index.all();
    }

    /** A copy of the machines of all apps, with those lately destroyed if {@code destroyedToo}. */
    public List<Machine> everywhere(boolean destroyedToo) {
        List<Machine> machines = new ArrayList<>(index.all());
        if (destroyedToo) {
            machines.addAll(table.destroyed());
        }
        return machines;
    }

    /** How many machines of this size could be created and started on this host now. */
    public int countThatFit(int memoryMb, int cpus) {
        return reservations.countThatFit(memoryMb, cpus);
    }

    public List<CheckStatus> checks(MachineId id) {
        return checks.of(id);
    }

    /** Whether every check that gates traffic passes. */
    public boolean healthy(MachineId id) {
        return checks.healthy(id);
    }

    /**
     * Whether every check passes that gates traffic to one service of the machine.
     *
     * @param service the service's index in the configuration
     */
    public boolean healthy(MachineId id, int service) {
        return checks.healthy(id, service);
    }

    public List<MachineEvent> events(MachineId id, int limit) {
        return table.events(id, limit);
    }

    /** The newest events of several machines, one list for each id in order, read in one query. */
    public List<List<MachineEvent>> events(List<MachineId> ids, int limit) {
        return table.events(ids, limit);
    }

    /** One version of a machine's configuration. */
    public record Version(String version, MachineConfig config) {}

    public List<Version> versions(MachineId id) {
        return table.versions(id).stream()
                .map(v -> new Version(v.version(), v.config()))
                .toList();
    }

    /** Calls {@code listener} with each changed record, on the thread that changed it: it must not block. */
    public void listen(Consumer<Machine> listener) {
        index.listen(listener);
    }

    /**
     * Waits until the machine is in one of {@code states} (if empty: in any lasting state) and, if given, at {@code
     * version}.
     *
     * @throws RejectedException with {@link RejectedException.Reason#TIMEOUT} if that does not happen in time
     */
    public Machine await(Machine machine, Set<MachineState> states, Optional<String> version, Duration timeout)
            throws InterruptedException {
        java.util.function.Predicate<Machine> until =
                m -> (states.isEmpty() ? m.state().kind() != MachineState.Kind.TRANSIENT : states.contains(m.state()))
                        && version.filter(v -> !v.equals(m.version().toString()))
                                .isEmpty();
        if (index.get(machine.id()).isEmpty() && until.test(machine)) {
            return machine;
        }
        return index.await(machine.id(), until, timeout)
                .or(() -> table.find(machine.id()).filter(until))
                .orElseThrow(() -> RejectedException.because(
                        RejectedException.Reason.TIMEOUT,
                        "machine %s did not become %s within %s; it is %s"
                                .formatted(
                                        machine.id(),
                                        states.isEmpty() ? "settled" : words(states),
                                        GoDuration.text(timeout),
                                        index.get(machine.id())
                                                .map(m -> m.state().wire())
                                                .orElse("gone"))));
    }

    /**
     * Waits, on behalf of a request, until the machine's guest runs or the machine is in a lasting state without one.
     * Returns earlier than {@link #await} for {@code started}, because it does not wait for that state to be written.
     * While a caller waits here, the machine's boot goes before boots that no request waits for.
     *
     * @throws RejectedException with {@link RejectedException.Reason#TIMEOUT} if that does not happen in time
     */
    public Machine awaitSettled(Machine machine, Duration timeout) throws InterruptedException {
        try (BootAdmission.Slot _ = admission.await(machine.id())) {
            return index.await(
                            machine.id(),
                            m -> guests.isRunning(m) || m.state().kind() != MachineState.Kind.TRANSIENT,
                            timeout)
                    .orElseThrow(() -> RejectedException.because(
                            RejectedException.Reason.TIMEOUT,
                            "the guest of machine %s did not come up within %s"
                                    .formatted(machine.id(), GoDuration.text(timeout))));
        }
    }

    /**
     * Withdraws a start whose request has gone away. If the boot still waits for admission it is dropped, and the
     * machine goes back to the state it had; a boot that has begun goes on.
     *
     * @return whether the boot was dropped
     */
    public boolean withdrawStart(MachineId id) {
        return admission.withdraw(id);
    }

    /** Counts of boots that wait and are under way on this host. */
    public BootAdmission.Stats boots() {
        return admission.stats();
    }

    private static String words(Set<MachineState> states) {
        return String.join(
                " or ", states.stream().map(MachineState::wire).sorted().toList());
    }

    /**
     * The running guest, for calls that go to it directly.
     *
     * @throws RejectedException if the machine has no running guest
     */
    public Guest guest(Machine machine) {
        if (machine.state() == MachineState.DESTROYED) {
            throw RejectedException.notFound("machine " + machine.id() + " is destroyed");
        }
        if (!guests.isRunning(machine)) {
            throw RejectedException.because(
                    RejectedException.Reason.CONFLICT,
                    "machine %s is %s, not started"
                            .formatted(machine.id(), machine.state().wire()),
                    "start it first");
        }
        return guests.find(machine).orElseThrow(() -> ended(machine));
    }

    public Leases leases() {
        return leases;
    }

    public MachineWaiter waits() {
        return waiter;
    }

    // --- operations

    /**
     * Refuses a configuration that cannot boot with the app's present secrets: it names a secret that does not exist,
     * or the secrets are older than {@code minVersion}. Called before a create or an update.
     */
    public void checkSecrets(String app, MachineConfig config, int minVersion) {
        specs.checkSecrets(apps.get(app).name(), config, minVersion);
    }

    /**
     * Refuses a configuration that only the operator may ask for, before anything is created for it.
     *
     * @param config as the API received it; an invalid one is refused too
     */
    public void checkTenant(String app, ObjectNode config, Actor.Client by) {
        if (by.tenant()) {
            updater.checkTenant(app, ConfigReader.read(StrictJsonReader.of(config, "config")));
        }
    }

    /** Creates a machine; see {@link MachineCreator}. */
    public Machine create(String app, MachineCreator.Request request) throws InterruptedException {
        return creator.create(apps.get(app), request);
    }

    /** Starts the machine; one that is suspended is resumed from its saved memory. */
    public void start(Machine machine, Actor actor) throws InterruptedException {
        dispatcher.operation(
                MachineOperation.START,
                machine,
                actor,
                m -> reservations.withReservation(
                        m,
                        () -> dispatcher.start(
                                lifecycle.start, m, new LifecycleRequests.Simple(m.id().text(), actor.source()))));
    }

    /**
     * Stops the machine: sends the signal, waits for the timeout, then ends the guest.
     *
     * @param signal empty for the one its configuration names
     * @param timeout empty for the one its configuration names
     */
    public void stop(Machine machine, Optional<Integer> signal, Optional<Duration> timeout, Actor actor)
            throws InterruptedException {
        dispatcher.operation(
                MachineOperation.STOP,
                machine,
                actor,
                m -> dispatcher.start(lifecycle.stop, m, stopRequest(m, signal, timeout, actor.source())));
    }

    public void restart(Machine machine, Optional<Integer> signal, Optional<Duration> timeout, Actor actor)
            throws InterruptedException {
        dispatcher.operation(
                MachineOperation.RESTART,
                machine,
                actor,
                m -> reservations.withReservation(
                        m,
                        () -> dispatcher.start(lifecycle.restart, m, stopRequest(m, signal, timeout, actor.source()))));
    }

    private static LifecycleRequests.Stop stopRequest(
            Machine m, Optional<Integer> signal, Optional<Duration> timeout, String source) {
        return new LifecycleRequests.Stop(
                m.id().text(),
                signal.orElse(0),
                timeout.orElse(m.config().stop().timeout()).toMillis(),
                source);
    }

    public void suspend(Machine machine, Actor actor) throws InterruptedException {
        dispatcher.operation(
                MachineOperation.SUSPEND,
                machine,
                actor,
                m -> reservations.withSaveReservation(
                        m,
                        () -> dispatcher.start(
                                lifecycle.suspend, m, new LifecycleRequests.Simple(m.id().text(), actor.source()))));
    }

    /**
     * What an update asks for.
     *
     * @param expected the version that the caller believes is current; another one refuses the update
     * @param launch whether to start a machine that is stopped or was never started
     * @param lease a lease to take, or to refresh, in the same call
     */
    public record UpdateRequest(
            MachineConfig config, Optional<String> expected, boolean launch, Optional<Leases.LeaseRequest> lease) {}

    /**
     * Gives the machine a new version of its configuration; a running one restarts. Returns the record at that version.
     */
    public Machine update(Machine machine, UpdateRequest change, Actor.Client by) throws InterruptedException {
        return updater.update(machine, change, by);
    }

    public Machine metadata(Machine machine, MetadataPatch change, Actor actor) {
        return updater.metadata(machine, change, actor);
    }

    /** Destroys the machine. One that runs or has an active run needs {@code force}, except for its own create. */
    public RunId destroy(Machine machine, boolean force, Actor actor) throws InterruptedException {
        Machine now = index.get(machine.id()).orElseThrow(() -> destroyed(machine));
        Optional<RunId> forced = force
                ? destroyNow(now, actor, m -> true, "destroyed by force")
                : now.state() == MachineState.CREATING
                        // One that is being made has nothing to lose: its create is cancelled, whatever that waits for.
                        ? destroyNow(
                                now, actor, m -> m.state() == MachineState.CREATING, "destroyed before it was made")
                        : Optional.empty();
        if (forced.isPresent()) {
            return forced.get();
        }
        if (force) {
            throw destroyed(machine);
        }
        return dispatcher
                .operation(MachineOperation.DESTROY, machine, actor, m -> {
                    // The caller's record may be old, so look at the present one: it may run by now.
                    if (m.state() == MachineState.STARTED) {
                        throw RejectedException.because(
                                RejectedException.Reason.CONFLICT,
                                "machine " + m.id() + " is started",
                                "stop it first, or ask with force=true");
                    }
                    return dispatcher.start(
                            lifecycle.destroy, m, new LifecycleRequests.Simple(m.id().text(), actor.source()));
                })
                .orElseThrow(() -> destroyed(machine));
    }

    private Optional<RunId> destroyNow(Machine now, Actor actor, Predicate<Machine> fits, String cause) {
        LifecycleRequests.Simple job = new LifecycleRequests.Simple(now.id().text(), actor.source());
        return dispatcher.startForced(lifecycle.destroy, now, actor, fits, job, cause);
    }

    private static RejectedException destroyed(Machine machine) {
        return RejectedException.notFound("machine " + machine.id() + " is destroyed already");
    }

    /** Takes the machine out of the edge's routing, or back into it. */
    public void cordon(Machine machine, boolean cordoned, Actor actor) {
        updater.cordon(machine, cordoned, actor);
    }

    /**
     * Sends the main process a signal. The lease is checked, but the machine lock is not held: a guest that does not
     * answer must not keep other operations waiting for the lock.
     */
    public void signal(Machine machine, int signal, Actor actor) {
        askFor(machine, actor, guest -> {
            guest.signal(signal);
            return guest;
        });
    }

    /**
     * Calls the running guest. If the guest exits during the call, the caller is told so; that is no failure of the
     * host.
     *
     * @throws RejectedException with {@link RejectedException.Reason#CONFLICT} if no guest runs, or it exits meanwhile
     */
    public <T> T withGuest(Machine machine, Function<Guest, T> call) {
        Guest guest = guest(machine);
        try {
            return call.apply(guest);
        } catch (FailedException e) {
            // The channel may break a moment before the exit is known, so wait for it briefly.
            if (Poll.within(EXIT_NEWS, Duration.ofMillis(5), () -> gone(guest))) {
                throw ended(machine);
            }
            throw e;
        }
    }

    private boolean gone(Guest guest) {
        return guest.exited().isDone()
                || guests.held(guest.machine()).filter(guest::equals).isEmpty();
    }

    /** The same for calls that change the running guest: refused if somebody else holds the machine's lease. */
    public <T> T askFor(Machine machine, Actor actor, Function<Guest, T> change) {
        leases.check(machine.id(), actor);
        return withGuest(machine, change);
    }

    /** The refusal for a call whose guest exited meanwhile. */
    public static RejectedException ended(Machine machine) {
        return RejectedException.because(
                RejectedException.Reason.CONFLICT,
                "machine " + machine.id() + " has just ended",
                "its events say how: GET …/events");
    }

    /** How many machines are in each state, for status and metrics. */
    public Map<String, Long> counts() {
        Map<String, Long> counts = new java.util.TreeMap<>();
        index.all().forEach(m -> counts.merge(m.state().name().toLowerCase(Locale.ROOT), 1L, Long::sum));
        return counts;
    }
}
