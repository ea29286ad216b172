package org.allod.edge;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.allod.base.MachineId;

/**
 * Chooses which machine of an app to put to sleep, if any. At most one in each pass, so that a lull does not take down
 * all the machines that the next burst needs.
 *
 * <p>With several running, {@code excess = running - (at or over the soft limit + 1)}: one machine with spare capacity
 * is kept beside the busy ones, and the rest is excess. A single machine sleeps when it is idle. A machine never sleeps
 * while requests are in flight, within the grace period after its last use, or when fewer than {@code minRunning} would
 * remain.
 */
final class AutostopPolicy {
    private AutostopPolicy() {}

    /**
     * One running machine of the app.
     *
     * @param idleFor how long since its last request ended, or since it came up
     */
    record Candidate(MachineId id, Service service, int load, Duration idleFor) {}

    /** Stop this machine in this way. */
    record Stop(MachineId id, Autostop how) {}

    /**
     * @param running the machines that take traffic now
     * @param grace how long a machine stays up after its last use
     */
    static Optional<Stop> decide(List<Candidate> running, Duration grace) {
        int keep = 0;
        int busy = 0;
        for (Candidate candidate : running) {
            keep = Math.max(keep, candidate.service().minRunning());
            if (!candidate.service().underSoft(candidate.load())) {
                busy++;
            }
        }
        boolean excess = running.size() == 1 || running.size() - (busy + 1) >= 1;
        if (!excess || running.size() <= keep) {
            return Optional.empty();
        }
        Candidate longest = null;
        for (Candidate candidate : running) {
            if (candidate.load() == 0
                    && candidate.service().autostop() != Autostop.OFF
                    && candidate.idleFor().compareTo(grace) >= 0
                    && (longest == null || candidate.idleFor().compareTo(longest.idleFor()) > 0)) {
                longest = candidate;
            }
        }
        return longest == null
                ? Optional.empty()
                : Optional.of(new Stop(longest.id(), longest.service().autostop()));
    }
}
