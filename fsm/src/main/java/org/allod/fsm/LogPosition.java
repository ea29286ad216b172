package org.allod.fsm;

/**
 * Where a run is recorded in the store: the numbers of the run, of its last event, and of the event that holds the
 * response so far; 0 if there is none. Opaque to the engine, which passes it from one append to the next.
 */
record LogPosition(long run, long last, long answer) {
    static final LogPosition NONE = new LogPosition(0, 0, 0);
}
