package org.allod.edge;

import java.util.List;
import java.util.Map;

/**
 * What the edge has done since it started, and what it has on hand. Counts only ever grow; the last group are levels.
 *
 * @param connections clients taken
 * @param refusedConnections clients turned away because there were too many overall
 * @param refusedByAddress clients turned away because their address had too many
 * @param requests whole request heads read
 * @param answers by class of status, {@code answers.get(2)} being the 2xx; those of machines and the edge's own
 * @param problems the edge's own answers, by their code
 * @param held requests that had to wait for a machine
 * @param wakes machines the edge brought up, or tried to
 * @param wakeFailures of these, how many did not come up or did not listen
 * @param wakeLatency from asking for a machine to its port accepting a connection
 * @param retries requests sent to another machine or connection because the first refused or had just closed
 * @param dials connections opened to machines
 * @param stops machines put to sleep because nobody used them
 * @param bytesIn from clients
 * @param bytesOut to clients
 * @param openConnections clients now
 * @param heldNow requests waiting for a machine now
 * @param inFlight requests or connections that machines have now
 */
public record EdgeStats(
        long connections,
        long refusedConnections,
        long refusedByAddress,
        long requests,
        List<Long> answers,
        Map<String, Long> problems,
        long held,
        long wakes,
        long wakeFailures,
        Latency wakeLatency,
        long retries,
        long dials,
        long stops,
        long bytesIn,
        long bytesOut,
        int openConnections,
        int heldNow,
        int inFlight) {
    /**
     * How long something took.
     *
     * @param upToMillis upper bounds of the first buckets; one more bucket takes the rest
     * @param counts of each bucket, not cumulative
     * @param sumNanos of all together
     */
    public record Latency(List<Integer> upToMillis, List<Long> counts, long sumNanos) {
        public long count() {
            return counts.stream().mapToLong(Long::longValue).sum();
        }
    }
}
