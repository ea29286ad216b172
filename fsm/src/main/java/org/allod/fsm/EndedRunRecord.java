package org.allod.fsm;

import java.util.Optional;

/** An ended run as the store has recorded it. */
record EndedRunRecord(RunSpec spec, Outcome outcome, long at, Optional<Payload> response) {}
