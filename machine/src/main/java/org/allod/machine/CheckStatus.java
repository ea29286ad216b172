package org.allod.machine;

import java.time.Instant;

/**
 * What a health check last found.
 *
 * @param name {@code servicecheck-00-http-8080}, or the name the configuration gives
 * @param status {@code passing}, {@code warning} (within the grace period) or {@code critical}
 * @param output what the guest answered, or why it did not
 * @param service whether it gates what the edge sends
 */
public record CheckStatus(String name, String status, String output, Instant updated, boolean service) {
    public boolean passing() {
        return status.equals("passing");
    }
}
