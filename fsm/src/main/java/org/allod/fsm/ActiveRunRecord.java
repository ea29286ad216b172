package org.allod.fsm;

import java.util.Optional;

/** An active run as the store knows it. */
record ActiveRunRecord(RunSpec spec, LogPosition position, RunState state, String error, Optional<Payload> response) {}
