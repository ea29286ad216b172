package org.allod.fsm;

import java.util.List;

/** What the {@link Reducer} decides. */
sealed interface Decision {
    /** Record the events; once they are durable, the run is in {@code state} and the effects are due. */
    record Next(RunState state, List<Event> events, List<Effect> effects) implements Decision {}

    /** The state does not allow what the caller asked for; nothing changes. */
    record Refused(String why) implements Decision {}

    /** This input cannot occur in this state, so there is a bug; the decision names both. */
    record Illegal(RunState state, RunInput input) implements Decision {}
}
