package org.allod.deploy;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * The complete progress of a deploy. It is durable before any effect that is due in it begins. Immutable.
 *
 * @param windows for each group, how many machines may change at once
 * @param why why it is rolled back; empty if it is not
 * @param slots every machine that takes part
 */
public record DeployState(
        Strategy strategy, Map<String, Integer> windows, DeployStage stage, String why, List<Slot> slots) {
    public DeployState {
        windows = Map.copyOf(windows);
        slots = List.copyOf(slots);
    }

    DeployState withStage(DeployStage next) {
        return new DeployState(strategy, windows, next, why, slots);
    }

    DeployState back(String because) {
        return new DeployState(strategy, windows, DeployStage.ROLLING_BACK, because, slots);
    }

    DeployState with(int index, Slot slot) {
        if (slots.get(index).equals(slot)) {
            return this;
        }
        List<Slot> next = new ArrayList<>(slots);
        next.set(index, slot);
        return new DeployState(strategy, windows, stage, why, next);
    }

    /** Machines that could be brought neither to the new version nor back. */
    public List<Slot> stuck() {
        return slots.stream().filter(s -> s.phase() == SlotPhase.STUCK).toList();
    }
}
