package org.allod.machine;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import org.allod.base.RejectedException;

/** What a lease allows and refuses: pure functions of the recorded lease, the request and the time. */
final class LeaseRules {
    private LeaseRules() {}

    /** The decision on a request for a lease. */
    sealed interface Decision {
        /** Grant a new lease with this term. */
        record Grant(long term) implements Decision {}

        /** Set a new expiry for the caller's own lease. */
        record Refresh(Lease lease) implements Decision {}

        /** Refuse it. */
        record Refuse(RejectedException why) implements Decision {}
    }

    /**
     * Decides a request for a lease.
     *
     * @param known the recorded lease, expired or not
     * @param nonce the nonce of the lease to refresh; empty for a new one
     */
    static Decision ask(Optional<Lease> known, Optional<String> nonce, Duration ttl, Instant now) {
        Optional<Lease> held = known.filter(lease -> lease.holds(now));
        if (nonce.isPresent()) {
            return held.filter(lease -> lease.nonce().equals(nonce.get()))
                    .<Decision>map(lease -> new Decision.Refresh(lease.until(ttl, now.plus(ttl))))
                    .orElseGet(() -> new Decision.Refuse(stale(held)));
        }
        return held.<Decision>map(lease -> new Decision.Refuse(taken(lease)))
                .orElseGet(() -> new Decision.Grant(known.map(Lease::term).orElse(0L) + 1));
    }

    /** Why a change by {@code actor} is refused; empty if it is allowed. */
    static Optional<RejectedException> fence(Optional<Lease> known, Actor actor, Instant now) {
        return switch (actor) {
            case Actor.Host _ -> Optional.empty();
            case Actor.Client client -> {
                Optional<String> nonce = client.nonce();
                Optional<Lease> held = known.filter(lease -> lease.holds(now));
                if (nonce.isPresent()) {
                    // A client with an outdated nonce lost its lease without knowing it: exactly whom to refuse.
                    yield held.filter(lease -> lease.nonce().equals(nonce.get()))
                                    .isPresent()
                            ? Optional.empty()
                            : Optional.of(stale(held));
                }
                yield held.map(LeaseRules::taken);
            }
        };
    }

    private static RejectedException taken(Lease lease) {
        return RejectedException.because(
                RejectedException.Reason.CONFLICT,
                "machine %s is leased by %s until %s"
                                .formatted(
                                        lease.machine(),
                                        lease.owner(),
                                        lease.expires().truncatedTo(java.time.temporal.ChronoUnit.SECONDS))
                        + (lease.description().isEmpty() ? "" : " (" + lease.description() + ")"),
                "wait for the lease to end, or send its nonce in the header fly-machine-lease-nonce");
    }

    private static RejectedException stale(Optional<Lease> held) {
        return held.map(LeaseRules::taken)
                .orElseGet(() -> RejectedException.because(
                        RejectedException.Reason.CONFLICT,
                        "the lease with this nonce has ended",
                        "take a new lease, read the machine again and decide anew"));
    }
}
