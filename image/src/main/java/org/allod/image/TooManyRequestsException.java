package org.allod.image;

import java.io.IOException;

/** A registry's rate limit (429): retried a few times, then reported to the caller. */
final class TooManyRequestsException extends IOException {
    TooManyRequestsException(String registry) {
        super("registry " + registry + " says: too many requests");
    }
}
