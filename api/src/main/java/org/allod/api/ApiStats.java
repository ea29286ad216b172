package org.allod.api;

/**
 * Counters of the API server since its start, and its current levels.
 *
 * @param tcp over TCP
 * @param local by the Unix socket
 */
public record ApiStats(Pool tcp, Pool local) {
    /**
     * Of one kind of listener. Counts only ever grow; {@code open}, {@code bodyBytes}, {@code answerBytes} and
     * {@code requestsAtWork} are levels.
     *
     * @param open connections open now
     * @param refused connections closed because there were too many overall
     * @param refusedByAddress connections closed because their address had too many
     * @param unproven requests refused on their head because they were not authenticated
     * @param overRequests requests refused because too many of their caller were in progress
     * @param overBodies requests refused because their bodies would have taken too much memory
     * @param overAnswers answers withheld because too many were unread
     * @param expired connections closed because a head, a body, the next request or a reader did not come in time
     * @param bodyBytes memory of bodies now
     * @param answerBytes memory of unread answers now
     * @param requestsAtWork requests that count as their callers' now
     */
    public record Pool(
            int open,
            long refused,
            long refusedByAddress,
            long unproven,
            long overRequests,
            long overBodies,
            long overAnswers,
            long expired,
            long bodyBytes,
            long answerBytes,
            long requestsAtWork) {}
}
