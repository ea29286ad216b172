package org.allod.fsm;

/** Bugs planted to see that the simulation finds them. The first seven were found by reading in another engine. */
enum StoreFault {
    /** Resuming, the second run of a type inherits what the first had completed. */
    SHARED_COMPLETED,
    /** Resuming, a run forgets its queue, so the cap no longer holds. */
    FORGOTTEN_QUEUE,
    /** A completion that could not be appended is only logged. */
    LOST_COMPLETION,
    /** A cancellation that could not be appended is reported as done. */
    LOST_CANCELLATION,
    /** Waiting for an archived run that failed tells of success. */
    ARCHIVE_SAYS_SUCCESS,
    /** A run leaves the active ones though its archive was not written. */
    ARCHIVE_LOST,
    /** Resuming, runs of another action come back under this one. */
    WRONG_ACTION,
    /** Acknowledged when written, before the flush. */
    ACK_BEFORE_FLUSH,
    /** Resuming, the count of attempts starts again. */
    ATTEMPTS_RESET,
    /** Resuming, the response so far is gone. */
    RESPONSE_LOST
}
