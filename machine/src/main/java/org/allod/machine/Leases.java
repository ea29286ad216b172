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
 * The leases of this host's machines, and the lock of each machine under which they are checked.
 *
 * <p>Checking a change against the lease first and accepting it later would not do: somebody else could be granted a
 * lease in between. So granting, refreshing, releasing and <em>accepting a change</em> of one machine exclude each
 * other ({@link #withLease}), and what is accepted is durable before the lock is released. A holder of the lock waits
 * for the disk only, never for a guest.
 *
 * <p>A lease is durable before it is returned and survives the daemon. Expiry is a comparison ({@link Lease#holds}),
 * not an action. It compares with the calendar at the daemon's start plus the monotonic time since, so that setting the
 * calendar makes no lease longer or shorter. Across a restart only the calendar is left, and then the time that remains
 * is bounded by the lease's ttl.
 *
 * <p>Thread rule: safe from any thread; methods that write block until the write is durable.
 */
public final class Leases {
    /** The longest ttl: more than a deploy needs, and the longest that others wait for a holder that died. */
    public static final Duration MAX_TTL = Duration.ofHours(1);

    /** The ttl if the caller names none. */
    public static final Duration DEFAULT_TTL = Duration.ofSeconds(30);

    /** Machines that share a lock wait for one another's flushes; with this many locks that is rare. */
    private static final int LOCKS = 256;

    private static final int NONCE_BYTES = 8;

    /** A smaller difference is no step of the calendar, because the two clocks are read one after the other. */
    private static final Duration SHIFT = Duration.ofSeconds(1);

    private final LeaseTable table;
    private final Clock clock;
    private final Instant startWall;
    private final long startMono;
    private final Map<MachineId, Lease> leases = new ConcurrentHashMap<>();
    private final ReentrantLock[] locks = new ReentrantLock[LOCKS];

    /**
     * What a caller asks for.
     *
     * @param ttl at most {@link #MAX_TTL}
     */
    public record LeaseRequest(Duration ttl, String owner, String description) {}

    /** @param known whether a machine exists; the leases of others are deleted */
    Leases(LeaseTable table, Clock clock, Predicate<MachineId> known) {
        this.table = table;
        this.clock = clock;
        this.startWall = clock.wall();
        this.startMono = clock.monoNanos();
        for (int i = 0; i < LOCKS; i++) {
            locks[i] = new ReentrantLock();
        }
        List<MachineId> gone = new ArrayList<>();
        for (Lease lease : table.all()) {
            if (known.test(lease.machine())) {
                // If the clock was set back while no daemon ran, the time left is still at most what was granted.
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

    /** The lease with its expiry by the calendar of now, which may have been set since this daemon started. */
    private Lease shown(Lease lease) {
        Duration shift = Duration.between(now(), clock.wall());
        return shift.abs().compareTo(SHIFT) < 0
                ? lease
                : lease.until(lease.ttl(), lease.expires().plus(shift));
    }

    /** The lease that holds now; empty if there is none or it has expired. */
    public Optional<Lease> of(MachineId machine) {
        return held(machine).map(this::shown);
    }

    private Optional<Lease> held(MachineId machine) {
        return Optional.ofNullable(leases.get(machine)).filter(lease -> lease.holds(now()));
    }

    /**
     * Grants a lease, or refreshes the one whose nonce is given.
     *
     * @throws RejectedException with {@link RejectedException.Reason#CONFLICT} if somebody else holds one, or the lease
     *     of the nonce has ended
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

    /**
     * Ends a lease before it expires.
     *
     * @throws RejectedException if there is none, or it has another nonce
     */
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

    /** The refusal for a machine without a lease. */
    public static RejectedException none(MachineId machine) {
        return RejectedException.notFound("lease not found: machine " + machine + " is not leased");
    }

    /** Work that runs under a machine's lock. */
    interface Gated<T, E extends Exception> {
        T run() throws E;
    }

    /** Runs {@code work} under the machine's lock, unless somebody else's lease refuses {@code actor}. */
    <T, E extends Exception> T withLease(MachineId machine, Actor actor, Gated<T, E> work) throws E {
        return withMachineLock(machine, () -> {
            check(machine, actor);
            return work.run();
        });
    }

    /** Runs {@code work} under the machine's lock: no lease changes and no other change is accepted meanwhile. */
    <T, E extends Exception> T withMachineLock(MachineId machine, Gated<T, E> work) throws E {
        ReentrantLock lock = locks[Math.floorMod(machine.hashCode(), LOCKS)];
        return LockOrder.holding(LockOrder.Rank.MACHINE, lock, lock, work);
    }

    /** Refuses early, without the lock, what a lease forbids; only {@link #withLease} excludes a race. */
    void check(MachineId machine, Actor actor) {
        LeaseRules.fence(Optional.ofNullable(leases.get(machine)), actor, now()).ifPresent(why -> {
            throw why;
        });
    }

    /** Drops a destroyed machine's lease from memory; its row is deleted when the daemon next starts. */
    void forget(MachineId machine) {
        leases.remove(machine);
    }
}
