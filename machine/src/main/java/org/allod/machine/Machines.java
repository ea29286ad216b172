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
 * The machines of this host: the door through which everybody asks. A verb returns once it is durable that it will be
 * carried out; {@link #await} waits for what comes of it.
 */
public final class Machines {
    /** From a guest's silence to the news of its end. */
    private static final Duration END = Duration.ofSeconds(1);

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
    private final CapacityReservations countThatFit;
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
        this.countThatFit = reservations;
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

    /** Has {@code end} take part whenever an app is deleted. */
    public void atAppEnd(AppDeletionListener end) {
        apps.atEnd(end);
    }

    /** Deletes an app that has no machine and no volume left, or with {@code force} destroys them first. */
    public void deleteApp(String name, boolean force, Actor actor) throws InterruptedException {
        apps.delete(name, () -> empty(name, force, actor), () -> destroyAll(name, actor));
    }

    private boolean empty(String name, boolean force, Actor actor) {
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
        // All are asked first, so that they go side by side; the engine's queue bounds how many do at once.
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
     * Does what needs the app to be there until it is done: the app is not deleted meanwhile. For what is short.
     *
     * @throws RejectedException where there is no such app, or it is being deleted
     */
    public <T, E extends Exception> T within(String app, Work<T, E> work) throws E {
        return apps.within(app, there -> work.run());
    }

    /** A piece of work. */
    public interface Work<T, E extends Exception> {
        T run() throws E;
    }

    /** How many volumes the app has. */
    public int volumes(String app) {
        return volumes.list(app).size();
    }

    // --- reading

    /** A machine of the app, living or lately destroyed. */
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

    /** The app's living machines, in no order, as they are while they are gone through; none of an app that is not there. */
    public Collection<Machine> of(String app) {
        return index.of(app);
    }

    /** Every living machine, as they are while they are gone through. */
    public Collection<Machine> all() {
        return index.all();
    }

    /** The machines of every app, and those destroyed lately where they are wanted too. */
    public List<Machine> everywhere(boolean destroyedToo) {
        List<Machine> machines = new ArrayList<>(index.all());
        if (destroyedToo) {
            machines.addAll(table.destroyed());
        }
        return machines;
    }

    /** How many machines of this size could be made and started here now. */
    public int countThatFit(int memoryMb, int cpus) {
        return countThatFit.countThatFit(memoryMb, cpus);
    }

    public List<CheckStatus> checks(MachineId id) {
        return checks.of(id);
    }

    /** Whether every check that gates traffic passes. */
    public boolean healthy(MachineId id) {
        return checks.healthy(id);
    }

    /** Whether every check passes that gates traffic to this service of the machine, by its place in the list. */
    public boolean healthy(MachineId id, int service) {
        return checks.healthy(id, service);
    }

    public List<MachineEvent> events(MachineId id, int limit) {
        return table.events(id, limit);
    }

    /** The newest events of each of several machines, in their order: one visit to the database. */
    public List<List<MachineEvent>> events(List<MachineId> ids, int limit) {
        return table.events(ids, limit);
    }

    /** A version of a machine's configuration. */
    public record Version(String version, MachineConfig config) {}

    public List<Version> versions(MachineId id) {
        return table.versions(id).stream()
                .map(v -> new Version(v.version(), v.config()))
                .toList();
    }

    /** Is told every record as it changes; must be quick. */
    public void listen(Consumer<Machine> listener) {
        index.listen(listener);
    }

    /**
     * Waits until the machine is in one of {@code states} (empty: any that lasts), at {@code version} if that is given.
     *
     * @throws RejectedException with {@link RejectedException.Reason#TIMEOUT} where it was not in time
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
     * Waits for a request until the machine's guest runs, or whatever is under way has left it without one. That is
     * before {@link #await} says that it is started: what that waits for is still being written down. The machine's boot
     * goes before those that no request waits for.
     *
     * @throws RejectedException with {@link RejectedException.Reason#TIMEOUT} where it was not in time
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
     * The request that had this machine started is gone. Where its boot still waits for its turn, it is dropped and the
     * machine is what it was before.
     *
     * @return whether it was dropped
     */
    public boolean withdrawStart(MachineId id) {
        return admission.withdraw(id);
    }

    /** How the boots of this host stand. */
    public BootAdmission.Stats boots() {
        return admission.stats();
    }

    private static String words(Set<MachineState> states) {
        return String.join(
                " or ", states.stream().map(MachineState::wire).sorted().toList());
    }

    /** The running guest, for what goes straight to it. */
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

    // --- verbs

    /**
     * Refuses a configuration that cannot boot with the app's secrets as they are: one that names a secret that is not
     * there, or wants them at {@code minVersion} or later. Asked before a create or an update.
     */
    public void checkSecrets(String app, MachineConfig config, int minVersion) {
        specs.checkSecrets(apps.get(app).name(), config, minVersion);
    }

    /**
     * Refuses a configuration that is not {@code by}'s to ask for, before anything is made of it.
     *
     * @param config as the API has it; one that is wrong otherwise is refused too
     */
    public void checkTenant(String app, ObjectNode config, Actor.Client by) {
        if (by.tenant()) {
            updater.checkTenant(app, ConfigReader.read(StrictJsonReader.of(config, "config")));
        }
    }

    /** Makes a machine; see {@link MachineCreator}. */
    public Machine create(String app, MachineCreator.Request request) throws InterruptedException {
        return creator.create(apps.get(app), request);
    }

    /** Starts the machine, or resumes it where its memory is saved. */
    public void start(Machine machine, Actor actor) throws InterruptedException {
        dispatcher.operation(
                MachineOperation.START,
                machine,
                actor,
                m -> countThatFit.withReservation(
                        m,
                        () -> dispatcher.start(
                                lifecycle.start, m, new LifecycleRequests.Simple(m.id().text(), actor.source()))));
    }

    /** Stops it: a signal, a time to end in, then the end. Empty for what the configuration says. */
    public void stop(Machine machine, Optional<Integer> signal, Optional<Duration> timeout, Actor actor)
            throws InterruptedException {
        dispatcher.operation(
                MachineOperation.STOP,
                machine,
                actor,
                m -> dispatcher.start(lifecycle.stop, m, stopJob(m, signal, timeout, actor.source())));
    }

    public void restart(Machine machine, Optional<Integer> signal, Optional<Duration> timeout, Actor actor)
            throws InterruptedException {
        dispatcher.operation(
                MachineOperation.RESTART,
                machine,
                actor,
                m -> countThatFit.withReservation(
                        m, () -> dispatcher.start(lifecycle.restart, m, stopJob(m, signal, timeout, actor.source()))));
    }

    private static LifecycleRequests.Stop stopJob(
            Machine m, Optional<Integer> signal, Optional<Duration> timeout, String source) {
        return new LifecycleRequests.Stop(
                m.id().text(),
                signal.orElse(0),
                timeout.orElse(m.config().stop().timeout()).toMillis(),
                source);
    }

    public void suspend(Machine machine, Actor actor) throws InterruptedException {
        dispatcher.operation(MachineOperation.SUSPEND, machine, actor, m -> {
            countThatFit.checkSaved(m);
            return dispatcher.start(lifecycle.suspend, m, new LifecycleRequests.Simple(m.id().text(), actor.source()));
        });
    }

    /**
     * Another configuration.
     *
     * @param expected the version the caller believes is current
     * @param launch whether a machine that is stopped, or was never started, is started with it
     * @param lease a lease to take, or to refresh, with it
     */
    public record UpdateRequest(
            MachineConfig config, Optional<String> expected, boolean launch, Optional<Leases.LeaseRequest> lease) {}

    /** Gives the machine another configuration: a new version, and a restart if it runs. The record at that version. */
    public Machine update(Machine machine, UpdateRequest change, Actor.Client by) throws InterruptedException {
        return updater.update(machine, change, by);
    }

    public Machine metadata(Machine machine, MetadataPatch change, Actor actor) {
        return updater.metadata(machine, change, actor);
    }

    /** Destroys it; one that runs, or is at something but its own create, only with {@code force}. */
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
                    // What the caller has seen may be long ago: it may run by now.
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
     * Sends the main process a signal. Not behind the gate, only checked: it is over when it is sent, and a guest that
     * does not listen must not keep anybody waiting there.
     */
    public void signal(Machine machine, int signal, Actor actor) {
        askFor(machine, actor, guest -> {
            guest.signal(signal);
            return guest;
        });
    }

    /**
     * Asks the running guest for something. One that ends meanwhile is no failure of the host: whoever asks is told so.
     *
     * @throws RejectedException with {@link RejectedException.Reason#CONFLICT} where there is no guest, or no longer
     */
    public <T> T withGuest(Machine machine, Function<Guest, T> question) {
        Guest guest = guest(machine);
        try {
            return question.apply(guest);
        } catch (FailedException e) {
            // Its link may be down a moment before its end is known.
            if (Poll.within(END, Duration.ofMillis(5), () -> gone(guest))) {
                throw ended(machine);
            }
            throw e;
        }
    }

    private boolean gone(Guest guest) {
        return guest.exited().isDone()
                || guests.held(guest.machine()).filter(guest::equals).isEmpty();
    }

    /** The same for what changes it while it runs: refused where somebody else holds the machine's lease. */
    public <T> T askFor(Machine machine, Actor actor, Function<Guest, T> change) {
        leases.check(machine.id(), actor);
        return withGuest(machine, change);
    }

    /** What is said where a guest ended while it was used. */
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
