package org.allod.fsm;

/**
 * Where a run's record is in the store: the run's own number, its last event, and the event that holds the response so
 * far. 0 where there is none. Opaque to the engine, which carries it from one append to the next.
 */
record LogPosition(long run, long last, long answer) {
    static final LogPosition NONE = new LogPosition(0, 0, 0);
}
