package org.allod.machine;

import java.time.Duration;
import java.time.Instant;
import org.allod.base.MachineId;

/**
 * Until it expires, only a client that shows its nonce may change the machine.
 *
 * @param machine the machine that is leased
 * @param term counts the machine's leases: one more with each grant; a refresh keeps it
 * @param nonce the secret that its holder shows
 * @param owner the name of the client that asked for it
 * @param description the purpose that the client gave
 * @param ttl the time that it was last granted or refreshed for
 * @param expires when it ends
 */
public record Lease(
        MachineId machine, long term, String nonce, String owner, String description, Duration ttl, Instant expires) {

    /** Whether the lease still holds. Nothing else decides that. */
    public boolean holds(Instant now) {
        return now.isBefore(expires);
    }

    Lease until(Duration newTtl, Instant newExpires) {
        return new Lease(machine, term, nonce, owner, description, newTtl, newExpires);
    }
}
