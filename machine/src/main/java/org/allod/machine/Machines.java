package org.allod.machine;

import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import org.allod.base.Clock;
import org.allod.base.Ids;
import org.allod.base.MachineId;
import org.allod.base.Rejected;
import org.allod.base.Ulid;
import org.allod.fsm.RunId;
import org.allod.machine.Ledger.Note;
import org.allod.runtime.Guest;

/**
 * The machines of this host: the door through which everybody asks. A verb returns once it is durable that it will be
 * carried out; {@link #await} waits for what comes of it.
 */
public final class Machines {
    private final Runs runs;
    private final Creation creation;
    private final Ledger ledger;
    private final Book book;
    private final MachineTable table;
    private final AppTable apps;
    private final Lifecycle lifecycle;
    private final Guests guests;
    private final Checks checks;
    private final Capacity capacity;
    private final Clock clock;
    private final Ids ids;

    Machines(
            Runs runs,
            Creation creation,
            Ledger ledger,
            Book book,
            MachineTable table,
            AppTable apps,
            Lifecycle lifecycle,
            Guests guests,
            Checks checks,
            Capacity capacity,
            Clock clock,
            Ids ids) {
        this.runs = runs;
        this.creation = creation;
        this.ledger = ledger;
        this.book = book;
        this.table = table;
        this.apps = apps;
        this.lifecycle = lifecycle;
        this.guests = guests;
        this.checks = checks;
        this.capacity = capacity;
        this.clock = clock;
        this.ids = ids;
    }

    // --- apps

    public App createApp(String name, Optional<String> network) {
        return apps.create(name, network);
    }

    public App app(String name) {
        return apps.get(name);
    }

    public List<App> apps() {
        return apps.list();
    }

    /** Has {@code end} take part whenever an app is deleted. */
    public void atAppEnd(AppEnd end) {
        apps.atEnd(end);
    }

    /** Deletes an app that has no machine left, or with {@code force} destroys its machines first. */
    public void deleteApp(String name, boolean force) throws InterruptedException {
        apps.get(name);
        List<Machine> left = book.of(name);
        if (!left.isEmpty() && !force) {
            throw Rejected.because(
                    Rejected.Reason.CONFLICT,
                    "app %s has %d machines".formatted(name, left.size()),
                    "destroy them first, or ask with force=true");
        }
        for (Machine machine : left) {
            runs.await(destroy(machine, true, "user"), Duration.ofMinutes(2));
        }
        apps.delete(name);
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
        List<Machine> machines = new java.util.ArrayList<>(book.of(app));
        if (destroyedToo) {
            machines.addAll(table.destroyed(app));
        }
        machines.sort(Comparator.comparing(Machine::created).thenComparing(Machine::id));
        return machines;
    }

    /** Every living machine. */
    public List<Machine> all() {
        return book.all();
    }

    public List<CheckStatus> checks(MachineId id) {
        return checks.of(id);
    }

    /** Whether every check that gates traffic passes. */
    public boolean healthy(MachineId id) {
        return checks.healthy(id);
    }

    public List<MachineEvent> events(MachineId id, int limit) {
        return table.events(id, limit);
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

    private static String words(Set<MachineState> states) {
        return String.join(
                " or ", states.stream().map(MachineState::wire).sorted().toList());
    }

    /** The running guest, for what goes straight to it. */
    public Guest guest(Machine machine) {
        if (machine.state() != MachineState.STARTED) {
            throw Rejected.because(
                    Rejected.Reason.CONFLICT,
                    "machine %s is %s, not started"
                            .formatted(machine.id(), machine.state().wire()),
                    "start it first");
        }
        return guests.find(machine).orElseThrow(() -> Rejected.conflict("machine " + machine.id() + " has just ended"));
    }

    // --- verbs

    /** Makes a machine; see {@link Creation}. */
    public Machine create(String app, Creation.Request request) throws InterruptedException {
        return creation.create(apps.get(app), request);
    }

    /** Starts the machine, or resumes it where its memory is saved. */
    public void start(Machine machine, String source) throws InterruptedException {
        runs.verb(Verb.START, machine, source, m -> {
            capacity.room(m, book.all());
            return runs.start(lifecycle.start, m, new Job.Simple(m.id().text(), source));
        });
    }

    /** Stops it: a signal, a time to end in, then the end. Empty for what the configuration says. */
    public void stop(Machine machine, Optional<Integer> signal, Optional<Duration> timeout, String source)
            throws InterruptedException {
        runs.verb(Verb.STOP, machine, source, m -> runs.start(lifecycle.stop, m, stopJob(m, signal, timeout, source)));
    }

    public void restart(Machine machine, Optional<Integer> signal, Optional<Duration> timeout, String source)
            throws InterruptedException {
        runs.verb(Verb.RESTART, machine, source, m -> {
            capacity.room(m, book.all());
            return runs.start(lifecycle.restart, m, stopJob(m, signal, timeout, source));
        });
    }

    private static Job.Stop stopJob(Machine m, Optional<Integer> signal, Optional<Duration> timeout, String source) {
        return new Job.Stop(
                m.id().text(),
                signal.orElse(0),
                timeout.orElse(m.config().stop().timeout()).toMillis(),
                source);
    }

    public void suspend(Machine machine, String source) throws InterruptedException {
        runs.verb(
                Verb.SUSPEND,
                machine,
                source,
                m -> runs.start(lifecycle.suspend, m, new Job.Simple(m.id().text(), source)));
    }

    /**
     * Gives the machine another configuration: a new version, and a restart if it runs.
     *
     * @param expected the version the caller believes is current
     * @return the record with the new version's number, as it will be
     */
    public Ulid update(Machine machine, MachineConfig config, Optional<String> expected, boolean launch)
            throws InterruptedException {
        RuntimeLimits.check(config, machine.runtime());
        capacity.possible(config);
        Ulid version = ids.ulid();
        runs.verb(Verb.UPDATE, machine, "user", m -> {
            expected.filter(v -> !v.equals(m.version().toString())).ifPresent(v -> {
                throw Rejected.because(
                        Rejected.Reason.STALE,
                        "current_version is %s, but the machine is at %s".formatted(v, m.version()),
                        "read the machine again and decide anew");
            });
            boolean run = launch
                    && (m.state() == MachineState.STARTED
                            || m.state() == MachineState.CREATED
                            || m.state() == MachineState.STOPPED);
            return runs.start(
                    lifecycle.update, m, new Job.Update(m.id().text(), version.toString(), config.json(), run));
        });
        return version;
    }

    /** Destroys it; one that runs, or is at something, only with {@code force}. */
    public RunId destroy(Machine machine, boolean force, String source) throws InterruptedException {
        if (machine.state() == MachineState.STARTED && !force) {
            throw Rejected.because(
                    Rejected.Reason.CONFLICT,
                    "machine " + machine.id() + " is started",
                    "stop it first, or ask with force=true");
        }
        if (force) {
            Machine now = book.get(machine.id())
                    .orElseThrow(() -> Rejected.notFound("machine " + machine.id() + " is destroyed already"));
            return runs.insist(lifecycle.destroy, now, new Job.Simple(now.id().text(), source), "destroyed by force");
        }
        return runs.verb(
                        Verb.DESTROY,
                        machine,
                        source,
                        m -> runs.start(lifecycle.destroy, m, new Job.Simple(m.id().text(), source)))
                .orElseThrow(() -> Rejected.notFound("machine " + machine.id() + " is destroyed already"));
    }

    /** Takes the machine out of the edge's routing, or back into it. */
    public void cordon(Machine machine, boolean cordoned) {
        ledger.change(
                machine.id(),
                m -> m.withCordoned(cordoned, clock.wall()),
                Note.of(cordoned ? "cordon" : "uncordon", "user"));
    }

    /** How many machines are in each state, for status and metrics. */
    public Map<String, Long> counts() {
        Map<String, Long> counts = new java.util.TreeMap<>();
        book.all().forEach(m -> counts.merge(m.state().name().toLowerCase(Locale.ROOT), 1L, Long::sum));
        return counts;
    }
}
