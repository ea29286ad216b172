package org.allod.deploy;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.allod.base.RejectedException;

/** Compares the plan with the existing machines and gives every machine its slot. Pure. */
final class DeployPlanner {
    private final Plan plan;
    private final String deploy;
    private final List<Slot> slots = new ArrayList<>();
    private final Map<String, Integer> windows = new TreeMap<>();

    private DeployPlanner(Plan plan, String deploy) {
        this.plan = plan;
        this.deploy = deploy;
    }

    /**
     * @param deploy the deploy's id, from which the names of new machines are made
     * @param existing the app's machines that earlier deploys made
     */
    static DeployState of(Plan plan, String deploy, List<ObservedMachine> existing) {
        DeployPlanner planner = new DeployPlanner(plan, deploy);
        for (Plan.Group group : plan.groups()) {
            planner.group(
                    group,
                    existing.stream()
                            .filter(m -> m.group().equals(group.name()))
                            .sorted(Comparator.comparing(ObservedMachine::runs)
                                    .reversed()
                                    .thenComparing(ObservedMachine::id))
                            .toList());
        }
        existing.stream()
                .filter(m -> plan.group(m.group()).isEmpty())
                .forEach(m -> planner.slots.add(Slot.present(m, Role.SURPLUS, false)));
        if (planner.slots.size() > Plan.MAX_MACHINES) {
            throw RejectedException.because(
                    RejectedException.Reason.TOO_LARGE,
                    "this deploy would touch %d machines: at most %d are allowed"
                            .formatted(planner.slots.size(), Plan.MAX_MACHINES));
        }
        return DeployReducer.begin(
                new DeployState(plan.strategy(), planner.windows, DeployStage.FORWARD, "", planner.slots));
    }

    private void group(Plan.Group group, List<ObservedMachine> existing) {
        int count = group.count().orElse(Math.max(1, existing.size()));
        windows.put(group.name(), plan.window(Math.min(count, existing.size())));
        if (plan.strategy() == Strategy.BLUE_GREEN) {
            make(group, Role.FRESH, count, 1);
            existing.forEach(m -> slots.add(Slot.present(m, Role.BLUE, false)));
            return;
        }
        int kept = Math.min(count, existing.size());
        boolean canary = plan.strategy() == Strategy.CANARY && kept > 0;
        if (canary) {
            make(group, Role.CANARY, 1, 0);
        }
        // A version must have started at least once: if all machines are stopped, start one to verify it.
        boolean seen = canary || count > kept || existing.stream().limit(kept).anyMatch(m -> m.runs() || m.failed());
        for (int i = 0; i < kept; i++) {
            ObservedMachine m = existing.get(i);
            slots.add(Slot.present(m, Role.UPDATE, m.runs() || m.failed() || (!seen && i == 0)));
        }
        make(group, Role.FRESH, count - kept, 1);
        existing.stream().skip(kept).forEach(m -> slots.add(Slot.present(m, Role.SURPLUS, false)));
    }

    private void make(Plan.Group group, Role role, int many, int from) {
        for (int i = 0; i < many; i++) {
            slots.add(Slot.toMake(Plan.machineName(group.name(), deploy, from + i), group.name(), role));
        }
    }
}
