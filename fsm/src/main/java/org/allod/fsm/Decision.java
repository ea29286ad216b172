package org.allod.fsm;

import java.util.List;

/** What the {@link Reducer} answers. */
sealed interface Decision {
    /** Record the events; once they are durable the run is in {@code state} and the effects are due. */
    record Next(RunState state, List<Event> events, List<Effect> effects) implements Decision {}

    /** The caller asked for something that cannot be; nothing changes. */
    record Refused(String why) implements Decision {}

    /** This input cannot come in this state: somewhere is a bug, and both sides are named. */
    record Illegal(RunState state, RunInput input) implements Decision {}
}
