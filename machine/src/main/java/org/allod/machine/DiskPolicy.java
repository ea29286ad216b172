package org.allod.machine;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import org.allod.base.MachineId;

/**
 * Decides what to do when the disk fills up: {@code (state, usage) → (state', actions)}. Pure; {@link
 * DiskPressureMonitor} carries the actions out.
 *
 * <p>A level is entered at its watermark and left a quarter above it, so that free space near a watermark does not make
 * it flap. While the disk is full one machine at a time is stopped: the one furthest beyond its promise. Its space
 * comes back only once it has ended, so the next one is chosen then, or after {@link #PATIENCE} readings. If no machine
 * is beyond its promise none is stopped, since machines did not fill the disk.
 */
final class DiskPolicy {
    /** Readings of the disk that a stop may take before another machine is stopped too. */
    static final int PATIENCE = 20;

    private DiskPolicy() {}

    /**
     * The writable layer of a running machine.
     *
     * @param held bytes that it takes
     * @param promised bytes that it was promised
     */
    record Layer(MachineId machine, long held, long promised) {
        long beyond() {
            return held - promised;
        }
    }

    /**
     * One reading of the disk.
     *
     * @param layers the writable layers of running machines
     */
    record Usage(long free, DiskBounds.Watermarks marks, List<Layer> layers) {}

    /**
     * @param ending the machine that was stopped last, while its end is waited for
     * @param looks how many readings ago that was
     */
    record State(DiskLevel level, Optional<MachineId> ending, int looks) {
        static final State FIRST = new State(DiskLevel.OK, Optional.empty(), 0);
    }

    sealed interface Action {
        /** The level has changed. */
        record Tell(DiskLevel from, DiskLevel to) implements Action {}

        /** Stop this machine at once. */
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
                // A machine that was stopped and has not ended in time comes last.
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
