package org.allod.machine;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Predicate;
import org.allod.base.Clock;
import org.allod.base.MachineId;
import org.allod.base.RejectedException;
import org.allod.base.Rng;
import org.allod.base.SupervisedTask;

/**
 * The leases of this host's machines, and the gate that makes them mean something.
 *
 * <p>What a lease promises would be worth little if a change were first checked against it and then accepted: another's
 * lease could be granted in between. So for one machine granting, refreshing, releasing and <em>accepting a change</em>
 * happen one after the other, inside {@link #withLease}; what is accepted inside is durable before the gate opens. Nothing
 * waits for a guest inside, only for the disk.
 *
 * <p>Leases are durable before they are answered and survive the daemon; expiry needs nobody to carry it out, it is a
 * comparison ({@link Lease#holds}). The time compared is the calendar of when this daemon started and what has passed
 * since by its own clock: a calendar that is set, either way and back again, makes no lease longer or shorter. Over a
 * restart the calendar is all there is: what is left then is at most the lease's ttl.
 */
public final class Leases {
    /** Longer than any deploy; a holder who dies is waited for at most this long. */
    public static final Duration MAX_TTL = Duration.ofHours(1);

    /** Where the caller names no time. */
    public static final Duration DEFAULT_TTL = Duration.ofSeconds(30);

    /** Machines that share a gate wait for one another's flushes; this many make that rare. */
    private static final int GATES = 256;

    private static final int NONCE_BYTES = 8;

    /** The two clocks are read one after the other: less is not a step. */
    private static final Duration SHIFT = Duration.ofSeconds(1);

    private final LeaseTable table;
    private final Clock clock;
    private final Instant startWall;
    private final long startMono;
    private final Map<MachineId, Lease> leases = new ConcurrentHashMap<>();
    private final ReentrantLock[] gates = new ReentrantLock[GATES];

    /**
     * What somebody asks for.
     *
     * @param ttl at most {@link #MAX_TTL}
     */
    public record LeaseRequest(Duration ttl, String owner, String description) {}

    /** @param known whether a machine still exists; leases of others are dropped */
    Leases(LeaseTable table, Clock clock, Predicate<MachineId> known) {
        this.table = table;
        this.clock = clock;
        this.startWall = clock.wall();
        this.startMono = clock.monoNanos();
        for (int i = 0; i < GATES; i++) {
            gates[i] = new ReentrantLock();
        }
        List<MachineId> gone = new ArrayList<>();
        for (Lease lease : table.all()) {
            if (known.test(lease.machine())) {
                // Where the clock was set back while no daemon ran, what is left is still no more than was granted.
                Instant latest = startWall.plus(lease.ttl());
                leases.put(lease.machine(), lease.expires().isAfter(latest) ? lease.until(lease.ttl(), latest) : lease);
            } else {
                gone.add(lease.machine());
            }
        }
        // On a full disk their rows stay a while: they are of machines that nobody asks for.
        SupervisedTask.hereOrLater("forget-leases", () -> table.forget(gone));
    }

    private Instant now() {
        return startWall.plusNanos(clock.monoNanos() - startMono);
    }

    /** As its holder's calendar has it, where ours has been set since we started. */
    private Lease shown(Lease lease) {
        Duration shift = Duration.between(now(), clock.wall());
        return shift.abs().compareTo(SHIFT) < 0
                ? lease
                : lease.until(lease.ttl(), lease.expires().plus(shift));
    }

    /** The lease that holds now. */
    public Optional<Lease> of(MachineId machine) {
        return held(machine).map(this::shown);
    }

    private Optional<Lease> held(MachineId machine) {
        return Optional.ofNullable(leases.get(machine)).filter(lease -> lease.holds(now()));
    }

    /**
     * Grants a lease, or refreshes the one whose nonce is given.
     *
     * @throws RejectedException with {@link RejectedException.Reason#CONFLICT} where another holds one, or the nonce's has ended
     */
    public Lease take(MachineId machine, Optional<String> nonce, LeaseRequest ask) {
        return withMachineLock(machine, () -> {
            Optional<Lease> known = Optional.ofNullable(leases.get(machine));
            Instant now = now();
            Lease lease = switch (LeaseRules.ask(known, nonce, ask.ttl(), now)) {
                case LeaseRules.Decision.Refuse(RejectedException why) -> throw why;
                case LeaseRules.Decision.Refresh(Lease same) -> same;
                case LeaseRules.Decision.Grant(long term) ->
                    new Lease(
                            machine,
                            term,
                            HexFormat.of().formatHex(Rng.secret(NONCE_BYTES)),
                            ask.owner(),
                            ask.description(),
                            ask.ttl(),
                            now.plus(ask.ttl()));
            };
            table.put(shown(lease));
            leases.put(machine, lease);
            return shown(lease);
        });
    }

    /** Ends a lease before its time. */
    public void release(MachineId machine, String nonce) {
        withMachineLock(machine, () -> {
            Optional<Lease> held = held(machine);
            if (held.isEmpty()) {
                throw none(machine);
            }
            if (!held.get().nonce().equals(nonce)) {
                throw RejectedException.because(
                        RejectedException.Reason.CONFLICT,
                        "the nonce is not that of the lease of machine " + machine,
                        "GET …/lease shows the lease that holds");
            }
            Lease ended = held.get().until(Duration.ZERO, Instant.EPOCH);
            table.put(ended);
            leases.put(machine, ended);
            return ended;
        });
    }

    /** What is said where there is no lease. */
    public static RejectedException none(MachineId machine) {
        return RejectedException.notFound("lease not found: machine " + machine + " is not leased");
    }

    /** Something done to one machine while nobody else is accepted. */
    interface Gated<T, E extends Exception> {
        T run() throws E;
    }

    /** Does {@code work} unless a lease is in the way of {@code by}; nobody takes one until it is done. */
    <T, E extends Exception> T withLease(MachineId machine, Actor actor, Gated<T, E> work) throws E {
        return withMachineLock(machine, () -> {
            check(machine, actor);
            return work.run();
        });
    }

    /** Does {@code work} while no lease changes and nothing else is accepted for the machine. */
    <T, E extends Exception> T withMachineLock(MachineId machine, Gated<T, E> work) throws E {
        ReentrantLock gate = gates[Math.floorMod(machine.hashCode(), GATES)];
        return LockOrder.holding(LockOrder.Rank.MACHINE, gate, gate, work);
    }

    /** Refuses early what a lease is in the way of; only {@link #withLease} is proof. */
    void check(MachineId machine, Actor actor) {
        LeaseRules.fence(Optional.ofNullable(leases.get(machine)), actor, now()).ifPresent(why -> {
            throw why;
        });
    }

    /** A machine that is gone has no lease; its row goes with the next start. */
    void forget(MachineId machine) {
        leases.remove(machine);
    }
}
