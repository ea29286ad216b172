package org.allod.machine;

import java.time.Duration;
import java.util.Optional;
import org.allod.base.Clock;
import org.allod.base.Ids;
import org.allod.base.Rejected;
import org.allod.base.Ulid;
import org.allod.fsm.RunId;
import org.allod.machine.Ledger.Note;

/** Gives machines another configuration: a new version by replacing it whole, or other metadata of the same version. */
final class Updates {
    /** Until the new version is in place: its image may have to be pulled first, and that goes on behind the answer. */
    private static final Duration SWITCH = Duration.ofSeconds(60);

    private final Runs runs;
    private final Ledger ledger;
    private final Book book;
    private final Lifecycle lifecycle;
    private final Leases leases;
    private final Room room;
    private final Traffic traffic;
    private final Claims claims;
    private final TenantRules tenants;
    private final Clock clock;
    private final Ids ids;

    Updates(
            Runs runs,
            Ledger ledger,
            Book book,
            Lifecycle lifecycle,
            Leases leases,
            Room room,
            Traffic traffic,
            Claims claims,
            TenantRules tenants,
            Clock clock,
            Ids ids) {
        this.runs = runs;
        this.ledger = ledger;
        this.book = book;
        this.lifecycle = lifecycle;
        this.leases = leases;
        this.room = room;
        this.traffic = traffic;
        this.claims = claims;
        this.tenants = tenants;
        this.clock = clock;
        this.ids = ids;
    }

    /** Refuses what a token of the app may not ask for. */
    void checkTenant(String app, MachineConfig config) {
        tenants.check(config, app, true);
    }

    /** Returns once the machine is at its new version; what follows of it goes on behind the answer. */
    Machine update(Machine machine, Machines.Change change, Asker.Client by) throws InterruptedException {
        RuntimeLimits.check(change.config(), machine.runtime());
        BootLimits.check(change.config());
        tenants.check(change.config(), machine.app(), by.tenant());
        room.capacity().possible(change.config());
        PortClaims.check(change.config(), machine.app(), machine.id(), book.all());
        traffic.admit(change.config());
        // Before anything gives way to it: what is refused is to change nothing. Only what is looked at inside counts.
        Machine seen = book.get(machine.id()).orElse(machine);
        current("current_version", change.expected(), seen);
        if (change.launch()) {
            room.check(seen, change.config().memoryMb());
        }
        Ulid version = ids.ulid();
        RunId run = runs.verb(Verb.UPDATE, machine, by, m -> {
                    current("current_version", change.expected(), m);
                    Machine next = m.withConfig(version, change.config(), clock.wall());
                    RunId started = room.promised(
                            m,
                            next,
                            change.launch(),
                            () -> started(m, version, change.config(), change.launch(), by.tenant()));
                    change.lease().ifPresent(ask -> leases.take(m.id(), by.nonce(), ask));
                    return started;
                })
                .orElseThrow();
        // The verb has made it `updating` already: a lasting state is the end, whether it came to something or not.
        Machine now = book.await(
                        machine.id(),
                        m -> m.version().equals(version) || m.state().kind() != MachineState.Kind.TRANSIENT,
                        SWITCH)
                .orElseThrow(() -> Rejected.because(
                        Rejected.Reason.TIMEOUT,
                        "machine %s is not at version %s after %s"
                                .formatted(machine.id(), version, Durations.text(SWITCH)),
                        "it goes on: see `allod fsm show " + run + "`"));
        if (!now.version().equals(version)) {
            throw runs.refusal(run, "the machine was not updated");
        }
        return now;
    }

    /** Volumes are taken first; where no run comes of it, they are free again. */
    private RunId started(Machine m, Ulid version, MachineConfig wanted, boolean running, boolean tenant)
            throws InterruptedException {
        MachineConfig config = claims.claim(m.app(), m.id(), m.runtime(), wanted);
        try {
            return runs.start(
                    lifecycle.update,
                    m,
                    new Job.Update(
                            m.id().text(),
                            version.toString(),
                            config.json(),
                            running,
                            config.skipSecrets(),
                            m.state().wire(),
                            tenant));
        } catch (RuntimeException e) {
            // Unless another run is at work: an update's end lets go of what it does not need.
            if (runs.active(m.id()).isEmpty()) {
                claims.settle(m.id());
            }
            throw e;
        }
    }

    /** Sets each key that has a value, removes each that has none; the version stays. */
    Machine metadata(Machine machine, Metadata change, Asker by) {
        return leases.fenced(
                machine.id(),
                by,
                () -> ledger.change(machine.id(), m -> {
                            current("machine_version", change.expected(), m);
                            return m.withMetadata(change.keys(), clock.wall());
                        })
                        .orElseThrow(() -> Rejected.notFound("machine " + machine.id() + " is destroyed")));
    }

    /** Takes the machine out of the edge's routing, or back into it. */
    void cordon(Machine machine, boolean cordoned, Asker by) {
        var _ = leases.fenced(
                machine.id(),
                by,
                () -> ledger.change(
                                machine.id(),
                                m -> m.withCordoned(cordoned, clock.wall()),
                                Note.of(cordoned ? "cordon" : "uncordon", by.source()))
                        .orElseThrow(() -> Rejected.notFound("machine " + machine.id() + " is destroyed")));
    }

    private static void current(String field, Optional<String> expected, Machine m) {
        expected.filter(v -> !v.equals(m.version().toString())).ifPresent(v -> {
            throw Rejected.because(
                    Rejected.Reason.STALE,
                    "%s is %s, but the machine is at %s".formatted(field, v, m.version()),
                    "read the machine again and decide anew");
        });
    }
}
