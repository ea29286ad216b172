package org.allod.fsm;

import java.util.Optional;

/** An active run as the store knows it. */
record Recovered(RunSpec spec, Ref ref, RunState state, String error, Optional<Payload> response) {}
