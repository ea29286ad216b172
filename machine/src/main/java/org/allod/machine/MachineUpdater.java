package org.allod.machine;

import java.time.Duration;
import java.util.Optional;
import java.util.function.Supplier;
import org.allod.base.Clock;
import org.allod.base.IdGenerator;
import org.allod.base.MachineId;
import org.allod.base.RejectedException;
import org.allod.base.Ulid;
import org.allod.fsm.RunId;
import org.allod.machine.MachineRecords.Note;

/**
 * Changes what machines are configured to be: an update replaces the configuration and makes a new version; metadata
 * and cordoning change within the version.
 */
final class MachineUpdater {
    /** How long an update waits for the new version; a pull that takes longer continues after the call has failed. */
    private static final Duration SWITCH = Duration.ofSeconds(60);

    private final LifecycleDispatcher dispatcher;
    private final MachineRecords records;
    private final MachineIndex index;
    private final LifecycleRunTypes lifecycle;
    private final Leases leases;
    private final CapacityReservations reservations;
    private final TrafficDrain drain;
    private final VolumeClaims claims;
    private final TenantRules tenants;
    private final Clock clock;
    private final IdGenerator ids;

    MachineUpdater(
            LifecycleDispatcher dispatcher,
            MachineRecords records,
            MachineIndex index,
            LifecycleRunTypes lifecycle,
            Leases leases,
            CapacityReservations reservations,
            TrafficDrain drain,
            VolumeClaims claims,
            TenantRules tenants,
            Clock clock,
            IdGenerator ids) {
        this.dispatcher = dispatcher;
        this.records = records;
        this.index = index;
        this.lifecycle = lifecycle;
        this.leases = leases;
        this.reservations = reservations;
        this.drain = drain;
        this.claims = claims;
        this.tenants = tenants;
        this.clock = clock;
        this.ids = ids;
    }

    /** Refuses a configuration that a token of the app does not allow. */
    void checkTenant(String app, MachineConfig config) {
        tenants.check(config, app, true);
    }

    /** Returns once the machine is at its new version; a restart that the update needs continues after that. */
    Machine update(Machine machine, Machines.UpdateRequest change, Actor.Client by) throws InterruptedException {
        RuntimeLimits.check(change.config(), machine.runtime());
        BootValidator.check(change.config());
        tenants.check(change.config(), machine.app(), by.tenant());
        reservations.capacity().possible(change.config());
        PortConflicts.check(change.config(), machine.app(), machine.id(), index.all());
        drain.admit(change.config());
        // Check before anything is cancelled or taken for it, so that a refused update changes nothing. These checks
        // are repeated under the machine lock, where they count.
        Machine seen = index.get(machine.id()).orElse(machine);
        checkVersion("current_version", change.expected(), seen);
        if (change.launch()) {
            reservations.check(seen, change.config().memoryMb());
        }
        leases.check(seen.id(), by);
        Ulid version = ids.ulid();
        // Before taking the machine lock: creating a volume takes as long as its disk does, and would block others.
        VolumeClaims.Claimed claimed = claims.claim(seen.app(), seen.id(), seen.runtime(), change.config());
        RunId run = startUpdate(seen, version, change, claimed, by);
        // startUpdate has published `updating`, so a lasting state means that the run is over, successful or not.
        Machine now = index.await(
                        machine.id(),
                        m -> m.version().equals(version) || m.state().kind() != MachineState.Kind.TRANSIENT,
                        SWITCH)
                .orElseThrow(() -> RejectedException.because(
                        RejectedException.Reason.TIMEOUT,
                        "machine %s is not at version %s after %s"
                                .formatted(machine.id(), version, GoDuration.text(SWITCH)),
                        "it goes on: see `allod fsm show " + run + "`"));
        if (!now.version().equals(version)) {
            throw dispatcher.refusal(run, "the machine was not updated");
        }
        return now;
    }

    /** Starts the update run. If that fails, releases the claimed volumes and deletes those created for the update. */
    private RunId startUpdate(
            Machine seen, Ulid version, Machines.UpdateRequest change, VolumeClaims.Claimed claimed, Actor.Client by)
            throws InterruptedException {
        MachineConfig config = claimed.config();
        try {
            return dispatcher
                    .operation(MachineOperation.UPDATE, seen, by, m -> {
                        checkVersion("current_version", change.expected(), m);
                        claims.again(m.app(), m.id(), m.runtime(), claimed);
                        Machine next = m.withConfig(version, config, clock.wall());
                        return reservations.withReservation(
                                m,
                                next,
                                change.launch(),
                                () -> withLease(
                                        m.id(),
                                        by.nonce(),
                                        change.lease(),
                                        () -> dispatcher.start(
                                                lifecycle.update,
                                                m,
                                                new LifecycleRequests.Update(
                                                        m.id().text(),
                                                        version.toString(),
                                                        config.json(),
                                                        change.launch(),
                                                        config.skipSecrets(),
                                                        m.state().wire(),
                                                        by.tenant()))));
                    })
                    .orElseThrow();
        } catch (RuntimeException | InterruptedException e) {
            release(seen.id());
            claims.undo(claimed);
            throw e;
        }
    }

    /** Takes the lease first, so that a run is never at work for a caller who was told that nothing came of it. */
    private RunId withLease(
            MachineId id, Optional<String> nonce, Optional<Leases.LeaseRequest> ask, Supplier<RunId> begin) {
        Optional<Lease> taken = ask.map(wanted -> leases.take(id, nonce, wanted));
        try {
            return begin.get();
        } catch (RuntimeException e) {
            // One that the caller had before stays the caller's.
            taken.filter(lease -> nonce.isEmpty()).ifPresent(lease -> {
                try {
                    leases.release(id, lease.nonce());
                } catch (RuntimeException left) {
                    e.addSuppressed(left);
                }
            });
            throw e;
        }
    }

    /** Under the machine lock, so that no other update is between claiming its volumes and starting its run. */
    private void release(MachineId id) {
        leases.withMachineLock(id, () -> {
            if (dispatcher.active(id).isEmpty()) {
                claims.settle(id);
            }
            return id;
        });
    }

    /** Sets each key that has a value and removes each that has none; the version stays the same. */
    Machine metadata(Machine machine, MetadataPatch change, Actor actor) {
        return leases.withLease(
                machine.id(),
                actor,
                () -> records.change(machine.id(), m -> {
                            checkVersion("machine_version", change.expected(), m);
                            return m.withMetadata(change.keys(), clock.wall());
                        })
                        .orElseThrow(() -> RejectedException.notFound("machine " + machine.id() + " is destroyed")));
    }

    /** Takes the machine out of the edge's routing, or back into it. */
    void cordon(Machine machine, boolean cordoned, Actor actor) {
        var _ = leases.withLease(
                machine.id(),
                actor,
                () -> records.change(
                                machine.id(),
                                m -> m.withCordoned(cordoned, clock.wall()),
                                Note.of(cordoned ? "cordon" : "uncordon", actor.source()))
                        .orElseThrow(() -> RejectedException.notFound("machine " + machine.id() + " is destroyed")));
    }

    private static void checkVersion(String field, Optional<String> expected, Machine m) {
        expected.filter(v -> !v.equals(m.version().toString())).ifPresent(v -> {
            throw RejectedException.because(
                    RejectedException.Reason.STALE,
                    "%s is %s, but the machine is at %s".formatted(field, v, m.version()),
                    "read the machine again and decide anew");
        });
    }
}
