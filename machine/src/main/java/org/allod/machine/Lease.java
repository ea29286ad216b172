package org.allod.machine;

import java.time.Duration;
import java.time.Instant;
import org.allod.base.MachineId;

/**
 * A promise that until it expires only who knows the nonce changes the machine.
 *
 * @param machine of which machine
 * @param term counts the machine's leases, one more with each that is granted; a refresh keeps it
 * @param nonce what its holder shows
 * @param owner who asked for it
 * @param description why
 * @param ttl how long it was granted for, last time
 * @param expires when it ends, whoever still thinks it does not
 */
public record Lease(
        MachineId machine, long term, String nonce, String owner, String description, Duration ttl, Instant expires) {

    /** Whether it still holds: the only place that decides so. */
    public boolean holds(Instant now) {
        return now.isBefore(expires);
    }

    Lease until(Duration newTtl, Instant newExpires) {
        return new Lease(machine, term, nonce, owner, description, newTtl, newExpires);
    }
}
