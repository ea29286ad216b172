package org.allod.machine;

import static org.allod.machine.MachineState.CREATED;
import static org.allod.machine.MachineState.FAILED;
import static org.allod.machine.MachineState.STARTED;
import static org.allod.machine.MachineState.STOPPED;
import static org.allod.machine.MachineState.SUSPENDED;

import java.util.EnumSet;
import java.util.Locale;
import java.util.Set;
import org.allod.base.RejectedException;

/**
 * The operations on a machine, and the states that allow each. A pure table: an operation's run is started only if
 * {@link #on} returns {@link Answer.Run}.
 */
public enum MachineOperation {
    START(EnumSet.of(CREATED, STOPPED, SUSPENDED, FAILED), EnumSet.of(STARTED), MachineState.STARTING),
    STOP(EnumSet.of(STARTED, SUSPENDED), EnumSet.of(STOPPED, CREATED, FAILED), MachineState.STOPPING),
    RESTART(EnumSet.of(STARTED, STOPPED, SUSPENDED, FAILED, CREATED), Set.of(), MachineState.RESTARTING),
    SUSPEND(EnumSet.of(STARTED), EnumSet.of(SUSPENDED), MachineState.SUSPENDING),
    UPDATE(EnumSet.of(CREATED, STARTED, STOPPED, SUSPENDED, FAILED), Set.of(), MachineState.UPDATING),
    DESTROY(
            EnumSet.of(CREATED, STARTED, STOPPED, SUSPENDED, FAILED),
            EnumSet.of(MachineState.DESTROYED),
            MachineState.DESTROYING);

    /** What to do with a request for an operation. */
    public sealed interface Answer {
        /** Start the run; until it ends the machine's state is {@code during}. */
        record Run(MachineState during) implements Answer {}

        /** The machine is in the wanted state already: there is nothing to do, and no error. */
        record Already() implements Answer {}

        /** The state does not allow the operation. */
        record Refused(RejectedException why) implements Answer {}
    }

    // Filled once, never changed.
    @SuppressWarnings("ImmutableEnumChecker")
    private final Set<MachineState> from;

    @SuppressWarnings("ImmutableEnumChecker")
    private final Set<MachineState> already;

    private final MachineState during;

    MachineOperation(Set<MachineState> from, Set<MachineState> already, MachineState during) {
        this.from = from;
        this.already = already;
        this.during = during;
    }

    /** The answer for a machine in {@code state} without an active run. */
    public Answer on(MachineState state) {
        if (from.contains(state)) {
            return new Answer.Run(during);
        }
        if (already.contains(state)) {
            return new Answer.Already();
        }
        if (state == MachineState.DESTROYED) {
            return new Answer.Refused(RejectedException.notFound("the machine is destroyed"));
        }
        return new Answer.Refused(RejectedException.because(
                RejectedException.Reason.CONFLICT,
                "cannot %s a machine that is %s".formatted(word(), state.wire()),
                state.kind() == MachineState.Kind.TRANSIENT
                        ? "wait for it to settle: GET …/wait?state=settled"
                        : "see its events for how it got there"));
    }

    /** The operation's name in the API. */
    public String word() {
        return name().toLowerCase(Locale.ROOT);
    }
}
