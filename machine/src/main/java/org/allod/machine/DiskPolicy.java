package org.allod.machine;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import org.allod.base.MachineId;

/**
 * What is done about a disk that fills up: {@code (state, usage) → (state', actions)}, carried out by {@link
 * DiskPressureMonitor}.
 *
 * <p>A level is entered at its watermark and left a quarter above it, so that a disk at the edge does not flap. While the
 * disk is full one machine at a time is stopped: the one that holds most beyond its promise. Space comes back only once it has
 * ended, so the next is chosen when it has, or after {@link #PATIENCE} looks. Where nobody is beyond its promise nobody is
 * stopped: then it is not machines that filled the disk.
 */
final class DiskPolicy {
    /** Looks at the disk that a stop has, before another machine is stopped too. */
    static final int PATIENCE = 20;

    private DiskPolicy() {}

    /**
     * The writable layer of a running machine.
     *
     * @param held bytes it takes
     * @param promised bytes it was promised
     */
    record Layer(MachineId machine, long held, long promised) {
        long beyond() {
            return held - promised;
        }
    }

    /**
     * What is seen in one look.
     *
     * @param layers of the machines that run
     */
    record Usage(long free, DiskBounds.Watermarks marks, List<Layer> layers) {}

    /**
     * @param ending the machine that was told to stop last, if it is still waited for
     * @param looks how many looks ago
     */
    record State(DiskLevel level, Optional<MachineId> ending, int looks) {
        static final State FIRST = new State(DiskLevel.OK, Optional.empty(), 0);
    }

    sealed interface Action {
        /** The level has changed. */
        record Tell(DiskLevel from, DiskLevel to) implements Action {}

        /** This machine is to be stopped at once. */
        record Stop(Layer layer) implements Action {}
    }

    record Decision(State state, List<Action> actions) {}

    static Decision next(State state, Usage usage) {
        DiskLevel level = level(state.level(), usage);
        List<Action> actions = new ArrayList<>();
        if (level != state.level()) {
            actions.add(new Action.Tell(state.level(), level));
        }
        if (level != DiskLevel.FULL) {
            return new Decision(new State(level, Optional.empty(), 0), actions);
        }
        Optional<MachineId> ending = state.ending()
                .filter(id -> state.looks() < PATIENCE
                        && usage.layers().stream().anyMatch(l -> l.machine().equals(id)));
        if (ending.isPresent()) {
            return new Decision(new State(level, ending, state.looks() + 1), actions);
        }
        Optional<Layer> worst = usage.layers().stream()
                .filter(l -> l.beyond() > 0)
                // One that was told and has not ended in its time comes after the others.
                .max(Comparator.comparing((Layer l) -> !state.ending().equals(Optional.of(l.machine())))
                        .thenComparingLong(Layer::beyond)
                        .thenComparing(Layer::machine));
        worst.ifPresent(l -> actions.add(new Action.Stop(l)));
        return new Decision(new State(level, worst.map(Layer::machine), 0), actions);
    }

    private static DiskLevel level(DiskLevel before, Usage usage) {
        DiskBounds.Watermarks marks = usage.marks();
        if (below(usage.free(), marks.full(), before == DiskLevel.FULL)) {
            return DiskLevel.FULL;
        }
        return below(usage.free(), marks.low(), before != DiskLevel.OK) ? DiskLevel.LOW : DiskLevel.OK;
    }

    private static boolean below(long free, long mark, boolean already) {
        return free < (already ? mark + mark / 4 : mark);
    }
}
