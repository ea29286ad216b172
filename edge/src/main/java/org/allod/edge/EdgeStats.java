package org.allod.edge;

import java.util.List;
import java.util.Map;

/**
 * Counters of the edge since its start, and its current levels. Counters only grow; the last three components are
 * levels.
 *
 * @param connections clients accepted
 * @param refusedConnections clients refused because of the overall connection limit
 * @param refusedByAddress clients refused because of the limit for their address
 * @param requests complete request heads read
 * @param answers responses by status class, of machines and of the edge itself: {@code answers.get(2)} counts 2xx
 * @param problems the edge's own error responses, by code
 * @param held requests that waited for a machine
 * @param wakes machines that the edge tried to bring up
 * @param wakeFailures of these, how many did not come up or did not listen
 * @param wakeLatency from the wake request to the port accepting a connection
 * @param retries requests sent to another machine or connection because the first refused or had just closed
 * @param dials connections opened to machines
 * @param stops machines put to sleep because they were idle
 * @param bytesIn from clients
 * @param bytesOut to clients
 * @param openConnections clients connected now
 * @param heldNow requests waiting for a machine now
 * @param inFlight requests or connections in flight at machines now
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
     * A latency histogram.
     *
     * @param upToMillis upper bounds of the first buckets; one more bucket takes the rest
     * @param counts of each bucket, not cumulative
     * @param sumNanos the sum of all latencies
     */
    public record Latency(List<Integer> upToMillis, List<Long> counts, long sumNanos) {
        public long count() {
            return counts.stream().mapToLong(Long::longValue).sum();
        }
    }
}
