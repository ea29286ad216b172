package org.allod.image;

import java.io.IOException;

/** A registry's plea to come back later: worth a few tries, then it is the caller's to know. */
final class TooManyRequestsException extends IOException {
    TooManyRequestsException(String registry) {
        super("registry " + registry + " says: too many requests");
    }
}
