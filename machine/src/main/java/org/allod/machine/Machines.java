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
import org.allod.base.Failed;
import org.allod.base.MachineId;
import org.allod.base.Poll;
import org.allod.base.Rejected;
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

    private final Runs runs;
    private final Creation creation;
    private final Updates updates;
    private final Book book;
    private final MachineTable table;
    private final AppTable apps;
    private final Lifecycle lifecycle;
    private final Leases leases;
    private final Waits waits;
    private final Guests guests;
    private final Boots boots;
    private final Checks checks;
    private final Room room;
    private final Volumes volumes;
    private final BootAdmission admission;

    Machines(
            Runs runs,
            Creation creation,
            Updates updates,
            Book book,
            MachineTable table,
            AppTable apps,
            Lifecycle lifecycle,
            Leases leases,
            Waits waits,
            Guests guests,
            Boots boots,
            Checks checks,
            Room room,
            Volumes volumes,
            BootAdmission admission) {
        this.runs = runs;
        this.creation = creation;
        this.updates = updates;
        this.book = book;
        this.table = table;
        this.apps = apps;
        this.lifecycle = lifecycle;
        this.leases = leases;
        this.waits = waits;
        this.guests = guests;
        this.boots = boots;
        this.checks = checks;
        this.room = room;
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
    public void atAppEnd(AppEnd end) {
        apps.atEnd(end);
    }

    /** Deletes an app that has no machine and no volume left, or with {@code force} destroys them first. */
    public void deleteApp(String name, boolean force, Asker by) throws InterruptedException {
        apps.delete(name, () -> empty(name, force, by), () -> emptied(name, by));
    }

    private boolean empty(String name, boolean force, Asker by) {
        List<Machine> left = List.copyOf(book.of(name));
        if (!left.isEmpty() && !force) {
            throw Rejected.because(
                    Rejected.Reason.CONFLICT,
                    "app %s has %d %s".formatted(name, left.size(), left.size() == 1 ? "machine" : "machines"),
                    "destroy them first, or ask with force=true");
        }
        List<Volume> disks = volumes.list(name);
        if (!disks.isEmpty() && !force) {
            throw Rejected.because(
                    Rejected.Reason.CONFLICT,
                    "app %s has %d %s".formatted(name, disks.size(), disks.size() == 1 ? "volume" : "volumes"),
                    "delete them first, or ask with force=true: what is in them is then lost");
        }
        left.forEach(machine -> leases.check(machine.id(), by));
        return left.isEmpty() && disks.isEmpty();
    }

    private void emptied(String name, Asker by) throws InterruptedException {
        // All are asked first, so that they go side by side; the engine's queue bounds how many do at once.
        List<RunId> ends = new ArrayList<>();
        for (Machine machine : List.copyOf(book.of(name))) {
            ends.add(destroy(machine, true, by));
        }
        for (RunId end : ends) {
            runs.await(end, Duration.ofMinutes(2));
        }
        for (Volume disk : volumes.list(name)) {
            volumes.deleteOnceFree(disk, Duration.ofMinutes(1));
        }
    }

    /**
     * Does what needs the app to be there until it is done: the app is not deleted meanwhile. For what is short.
     *
     * @throws Rejected where there is no such app, or it is being deleted
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
        return book.get(id)
                .or(() -> table.find(id))
                .filter(m -> m.app().equals(app))
                .orElseThrow(() -> Rejected.notFound("there is no machine " + id + " in app " + app));
    }

    public Optional<Machine> find(MachineId id) {
        return book.get(id);
    }

    /** The app's machines, oldest first. */
    public List<Machine> list(String app, boolean destroyedToo) {
        apps.get(app);
        if (!destroyedToo) {
            return book.inOrder(app);
        }
        List<Machine> machines = new ArrayList<>(book.inOrder(app));
        machines.addAll(table.destroyed(app));
        machines.sort(Roster.OLDEST_FIRST);
        return machines;
    }

    /** The app's living machines, in no order, as they are while they are gone through; none of an app that is not there. */
    public Collection<Machine> of(String app) {
        return book.of(app);
    }

    /** Every living machine, as they are while they are gone through. */
    public Collection<Machine> all() {
        return book.all();
    }

    /** The machines of every app, and those destroyed lately where they are wanted too. */
    public List<Machine> everywhere(boolean destroyedToo) {
        List<Machine> machines = new ArrayList<>(book.all());
        if (destroyedToo) {
            machines.addAll(table.destroyed());
        }
        return machines;
    }

    /** How many machines of this size could be made and started here now. */
    public int room(int memoryMb, int cpus) {
        return room.fits(memoryMb, cpus);
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
        book.listen(listener);
    }

    /**
     * Waits until the machine is in one of {@code states} (empty: any that lasts), at {@code version} if that is given.
     *
     * @throws Rejected with {@link Rejected.Reason#TIMEOUT} where it was not in time
     */
    public Machine await(Machine machine, Set<MachineState> states, Optional<String> version, Duration timeout)
            throws InterruptedException {
        java.util.function.Predicate<Machine> until =
                m -> (states.isEmpty() ? m.state().kind() != MachineState.Kind.TRANSIENT : states.contains(m.state()))
                        && version.filter(v -> !v.equals(m.version().toString()))
                                .isEmpty();
        if (book.get(machine.id()).isEmpty() && until.test(machine)) {
            return machine;
        }
        return book.await(machine.id(), until, timeout)
                .or(() -> table.find(machine.id()).filter(until))
                .orElseThrow(() -> Rejected.because(
                        Rejected.Reason.TIMEOUT,
                        "machine %s did not become %s within %s; it is %s"
                                .formatted(
                                        machine.id(),
                                        states.isEmpty() ? "settled" : words(states),
                                        Durations.text(timeout),
                                        book.get(machine.id())
                                                .map(m -> m.state().wire())
                                                .orElse("gone"))));
    }

    /**
     * Waits for a request until the machine's guest runs, or whatever is under way has left it without one. That is
     * before {@link #await} says that it is started: what that waits for is still being written down. The machine's boot
     * goes before those that no request waits for.
     *
     * @throws Rejected with {@link Rejected.Reason#TIMEOUT} where it was not in time
     */
    public Machine awaitGuest(Machine machine, Duration timeout) throws InterruptedException {
        try (BootAdmission.Slot _ = admission.await(machine.id())) {
            return book.await(
                            machine.id(), m -> guests.up(m) || m.state().kind() != MachineState.Kind.TRANSIENT, timeout)
                    .orElseThrow(() -> Rejected.because(
                            Rejected.Reason.TIMEOUT,
                            "the guest of machine %s did not come up within %s"
                                    .formatted(machine.id(), Durations.text(timeout))));
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
            throw Rejected.notFound("machine " + machine.id() + " is destroyed");
        }
        if (!guests.up(machine)) {
            throw Rejected.because(
                    Rejected.Reason.CONFLICT,
                    "machine %s is %s, not started"
                            .formatted(machine.id(), machine.state().wire()),
                    "start it first");
        }
        return guests.find(machine).orElseThrow(() -> ended(machine));
    }

    public Leases leases() {
        return leases;
    }

    public Waits waits() {
        return waits;
    }

    // --- verbs

    /**
     * Refuses a configuration that cannot boot with the app's secrets as they are: one that names a secret that is not
     * there, or wants them at {@code minVersion} or later. Asked before a create or an update.
     */
    public void checkSecrets(String app, MachineConfig config, int minVersion) {
        boots.checkSecrets(apps.get(app).name(), config, minVersion);
    }

    /**
     * Refuses a configuration that is not {@code by}'s to ask for, before anything is made of it.
     *
     * @param config as the API has it; one that is wrong otherwise is refused too
     */
    public void checkTenant(String app, ObjectNode config, Asker.Client by) {
        if (by.tenant()) {
            updates.checkTenant(app, ConfigReader.read(Fields.of(config, "config")));
        }
    }

    /** Makes a machine; see {@link Creation}. */
    public Machine create(String app, Creation.Request request) throws InterruptedException {
        return creation.create(apps.get(app), request);
    }

    /** Starts the machine, or resumes it where its memory is saved. */
    public void start(Machine machine, Asker by) throws InterruptedException {
        runs.verb(
                Verb.START,
                machine,
                by,
                m -> room.promised(
                        m, () -> runs.start(lifecycle.start, m, new Job.Simple(m.id().text(), by.source()))));
    }

    /** Stops it: a signal, a time to end in, then the end. Empty for what the configuration says. */
    public void stop(Machine machine, Optional<Integer> signal, Optional<Duration> timeout, Asker by)
            throws InterruptedException {
        runs.verb(Verb.STOP, machine, by, m -> runs.start(lifecycle.stop, m, stopJob(m, signal, timeout, by.source())));
    }

    public void restart(Machine machine, Optional<Integer> signal, Optional<Duration> timeout, Asker by)
            throws InterruptedException {
        runs.verb(
                Verb.RESTART,
                machine,
                by,
                m -> room.promised(
                        m, () -> runs.start(lifecycle.restart, m, stopJob(m, signal, timeout, by.source()))));
    }

    private static Job.Stop stopJob(Machine m, Optional<Integer> signal, Optional<Duration> timeout, String source) {
        return new Job.Stop(
                m.id().text(),
                signal.orElse(0),
                timeout.orElse(m.config().stop().timeout()).toMillis(),
                source);
    }

    public void suspend(Machine machine, Asker by) throws InterruptedException {
        runs.verb(Verb.SUSPEND, machine, by, m -> {
            room.checkSaved(m);
            return runs.start(lifecycle.suspend, m, new Job.Simple(m.id().text(), by.source()));
        });
    }

    /**
     * Another configuration.
     *
     * @param expected the version the caller believes is current
     * @param launch whether a machine that is stopped, or was never started, is started with it
     * @param lease a lease to take, or to refresh, with it
     */
    public record Change(MachineConfig config, Optional<String> expected, boolean launch, Optional<Leases.Ask> lease) {}

    /** Gives the machine another configuration: a new version, and a restart if it runs. The record at that version. */
    public Machine update(Machine machine, Change change, Asker.Client by) throws InterruptedException {
        return updates.update(machine, change, by);
    }

    public Machine metadata(Machine machine, Metadata change, Asker by) {
        return updates.metadata(machine, change, by);
    }

    /** Destroys it; one that runs, or is at something but its own create, only with {@code force}. */
    public RunId destroy(Machine machine, boolean force, Asker by) throws InterruptedException {
        // A machine that is being made has nothing to lose: its create is cancelled, whatever that waits for.
        if (force
                || book.get(machine.id())
                        .filter(m -> m.state() == MachineState.CREATING)
                        .isPresent()) {
            Machine now = book.get(machine.id())
                    .orElseThrow(() -> Rejected.notFound("machine " + machine.id() + " is destroyed already"));
            return runs.insist(
                    lifecycle.destroy,
                    now,
                    by,
                    new Job.Simple(now.id().text(), by.source()),
                    force ? "destroyed by force" : "destroyed before it was made");
        }
        return runs.verb(Verb.DESTROY, machine, by, m -> {
                    // What the caller has seen may be long ago: it may run by now.
                    if (m.state() == MachineState.STARTED) {
                        throw Rejected.because(
                                Rejected.Reason.CONFLICT,
                                "machine " + m.id() + " is started",
                                "stop it first, or ask with force=true");
                    }
                    return runs.start(lifecycle.destroy, m, new Job.Simple(m.id().text(), by.source()));
                })
                .orElseThrow(() -> Rejected.notFound("machine " + machine.id() + " is destroyed already"));
    }

    /** Takes the machine out of the edge's routing, or back into it. */
    public void cordon(Machine machine, boolean cordoned, Asker by) {
        updates.cordon(machine, cordoned, by);
    }

    /**
     * Sends the main process a signal. Not behind the gate, only checked: it is over when it is sent, and a guest that
     * does not listen must not keep anybody waiting there.
     */
    public void signal(Machine machine, int signal, Asker by) {
        askFor(machine, by, guest -> {
            guest.signal(signal);
            return guest;
        });
    }

    /**
     * Asks the running guest for something. One that ends meanwhile is no failure of the host: whoever asks is told so.
     *
     * @throws Rejected with {@link Rejected.Reason#CONFLICT} where there is no guest, or no longer
     */
    public <T> T ask(Machine machine, Function<Guest, T> question) {
        Guest guest = guest(machine);
        try {
            return question.apply(guest);
        } catch (Failed e) {
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
    public <T> T askFor(Machine machine, Asker by, Function<Guest, T> change) {
        leases.check(machine.id(), by);
        return ask(machine, change);
    }

    /** What is said where a guest ended while it was used. */
    public static Rejected ended(Machine machine) {
        return Rejected.because(
                Rejected.Reason.CONFLICT,
                "machine " + machine.id() + " has just ended",
                "its events say how: GET …/events");
    }

    /** How many machines are in each state, for status and metrics. */
    public Map<String, Long> counts() {
        Map<String, Long> counts = new java.util.TreeMap<>();
        book.all().forEach(m -> counts.merge(m.state().name().toLowerCase(Locale.ROOT), 1L, Long::sum));
        return counts;
    }
}
