package org.allod.edge;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.allod.base.MachineId;

/**
 * Which machine of an app to put to sleep, if any. At most one each pass, so that a lull does not take down a whole
 * fleet that the next burst needs.
 *
 * <p>With several running, {@code excess = running - (at or over the soft limit + 1)}: one with room to spare is kept
 * beside those that are busy, and the rest is excess. A lone one sleeps when it has nothing to do. Never one with
 * anything under way, never one that was used within the grace, never below {@code minRunning}.
 */
final class AutostopPolicy {
    private AutostopPolicy() {}

    /**
     * One running machine of the app.
     *
     * @param idleFor how long since its last request ended, or since it came up
     */
    record Candidate(MachineId id, Service service, int load, Duration idleFor) {}

    /** Stop this machine, so. */
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
