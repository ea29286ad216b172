package org.allod.fsm;

import java.util.Optional;

/** An active run as the store has recorded it. */
record ActiveRunRecord(RunSpec spec, LogPosition position, RunState state, String error, Optional<Payload> response) {}
