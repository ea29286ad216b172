package org.allod.state;

import java.time.Duration;

/**
 * The times and bounds of membership.
 *
 * @param probeEvery how often a member is probed
 * @param answerWithin how long the direct answer may take where the round trip is not known yet
 * @param verdictAfter how long a probe may take in all, with the help of others, before the member is suspected
 * @param helpers members asked to probe one that does not answer
 * @param gossipEvery how often news is sent to random members beside what probes carry
 * @param gossipTo to how many
 * @param repeat each piece of news is sent {@code repeat * log10(n + 1)} times
 * @param suspicion the shortest suspicion in a fleet of ten or fewer; grows with the logarithm of the fleet
 * @param suspicionStretch how much longer a suspicion is that nobody confirms
 * @param confirmations after how many it is shortest
 * @param callDeadEvery how often a dead member is spoken to, so that a fleet cut in two finds itself again
 * @param forgetDeadAfter when a dead member is forgotten
 * @param healthLimit how much a host that is not well itself may slow its probing down
 */
public record MembershipOptions(
        Duration probeEvery,
        Duration answerWithin,
        Duration verdictAfter,
        int helpers,
        Duration gossipEvery,
        int gossipTo,
        int repeat,
        Duration suspicion,
        int suspicionStretch,
        int confirmations,
        Duration callDeadEvery,
        Duration forgetDeadAfter,
        int healthLimit) {
    public static MembershipOptions defaults() {
        return new MembershipOptions(
                Duration.ofMillis(500),
                Duration.ofMillis(500),
                Duration.ofSeconds(1),
                3,
                Duration.ofMillis(200),
                3,
                4,
                Duration.ofMillis(800),
                6,
                3,
                Duration.ofSeconds(5),
                Duration.ofDays(2),
                8);
    }
}
