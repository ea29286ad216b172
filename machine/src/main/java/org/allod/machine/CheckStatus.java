package org.allod.machine;

import java.time.Instant;

/**
 * The last result of a health check.
 *
 * @param name {@code servicecheck-00-http-8080}, or the name from the configuration
 * @param status {@code passing}, {@code warning} (within the grace period) or {@code critical}
 * @param output what the guest answered, or why there was no answer
 * @param service whether the edge sends no traffic while it fails
 */
public record CheckStatus(String name, String status, String output, Instant updated, boolean service) {
    public boolean passing() {
        return status.equals("passing");
    }
}
