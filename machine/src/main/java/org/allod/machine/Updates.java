package org.allod.machine;

import java.time.Duration;
import java.util.Optional;
import org.allod.base.Clock;
import org.allod.base.Ids;
import org.allod.base.MachineId;
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
        leases.check(seen.id(), by);
        Ulid version = ids.ulid();
        // Before the gate: making a volume takes as long as its disk does, and nobody else could change the machine.
        Claims.Claimed claimed = claims.claim(seen.app(), seen.id(), seen.runtime(), change.config());
        RunId run = started(seen, version, change, claimed, by);
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

    /** Volumes have been taken; where no run comes of it, they are free again, and those made for it are gone. */
    private RunId started(Machine seen, Ulid version, Machines.Change change, Claims.Claimed claimed, Asker.Client by)
            throws InterruptedException {
        MachineConfig config = claimed.config();
        try {
            return runs.verb(Verb.UPDATE, seen, by, m -> {
                        current("current_version", change.expected(), m);
                        claims.again(m.app(), m.id(), m.runtime(), claimed);
                        Machine next = m.withConfig(version, config, clock.wall());
                        RunId started = room.promised(
                                m,
                                next,
                                change.launch(),
                                () -> runs.start(
                                        lifecycle.update,
                                        m,
                                        new Job.Update(
                                                m.id().text(),
                                                version.toString(),
                                                config.json(),
                                                change.launch(),
                                                config.skipSecrets(),
                                                m.state().wire(),
                                                by.tenant())));
                        change.lease().ifPresent(ask -> leases.take(m.id(), by.nonce(), ask));
                        return started;
                    })
                    .orElseThrow();
        } catch (RuntimeException | InterruptedException e) {
            release(seen.id());
            claims.undo(claimed);
            throw e;
        }
    }

    /** Behind the gate, so that no other update is between taking its volumes and its run, which lets go of the rest. */
    private void release(MachineId id) {
        leases.alone(id, () -> {
            if (runs.active(id).isEmpty()) {
                claims.settle(id);
            }
            return id;
        });
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
