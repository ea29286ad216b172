package org.allod.deploy;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.allod.base.Rng;
import org.allod.soak.Campaign;
import org.junit.jupiter.api.Test;

/**
 * The reducer from seeds: any strategy, any machines, effects carried out in any order, some twice, some failing, some
 * cancelled, the state read back from its text now and then as after a crash. After every event the promises hold.
 */
class DeployReducerSeedsTest {
    private static final String NEW = "01KAKF2W3Y0000000000000NEW";
    private static final int SEEDS = 4_000;

    @Test
    void anyDeploy_keepsItsPromises() {
        int[] ends = new int[DeployStage.values().length];
        int told = Campaign.of("deploys")
                .play(SEEDS, seed -> ends[new Story(Rng.seeded(seed)).tell().ordinal()]++);
        // The stories are worth something only if both ends are told.
        if (told >= 100) {
            assertThat(ends[DeployStage.DONE.ordinal()]).isGreaterThan(told / 10);
            assertThat(ends[DeployStage.ROLLED_BACK.ordinal()]).isGreaterThan(told / 10);
        }
    }

    private static final class Story {
        private final Rng rng;
        private final ModelHost host = new ModelHost();
        private final Map<String, ModelHost.Model> before = new HashMap<>();
        private final Strategy strategy;
        private final int failures;
        private final List<String> log = new ArrayList<>();

        Story(Rng rng) {
            this.rng = rng;
            this.strategy = Strategy.values()[rng.nextInt(Strategy.values().length)];
            // Most stories go well or nearly so; some go badly.
            this.failures = List.of(0, 0, 2, 10).get(rng.nextInt(4));
        }

        DeployStage tell() {
            int there = rng.nextInt(7);
            for (int i = 0; i < there; i++) {
                host.machine("m" + i, rng.nextInt(4) == 0 ? "worker" : "web", rng.nextInt(4) != 0);
                ModelHost.Model m = host.machines.get("m" + i);
                m.cordoned = rng.nextInt(6) == 0;
                m.failed = !m.runs && rng.nextInt(2) == 0;
            }
            host.machines.forEach((id, m) -> {
                ModelHost.Model copy = new ModelHost.Model(m.name, m.group, m.version, m.runs);
                copy.cordoned = m.cordoned;
                before.put(id, copy);
            });
            Integer count = rng.nextInt(2) == 0 ? null : rng.nextInt(6);
            Plan.Group[] groups = rng.nextInt(2) == 0
                    ? new Plan.Group[] {ModelHost.group("web", count)}
                    : new Plan.Group[] {ModelHost.group("web", count), ModelHost.group("worker", null)};
            DeployState state =
                    DeployPlanner.of(ModelHost.plan(strategy, 1 + rng.nextInt(3), groups), NEW, host.survey("app"));
            for (int i = 0; !state.stage().over(); i++) {
                assertThat(i).as("does not end: %s", log).isLessThan(2_000);
                state = step(state);
                if (rng.nextInt(5) == 0) {
                    state = DeployJson.state(DeployJson.write(state));
                }
                during(state);
            }
            ended(state);
            return state.stage();
        }

        private DeployState step(DeployState state) {
            if (failures > 0 && rng.nextInt(60) == 0) {
                log.add("cancelled");
                return DeployReducer.next(state, new DeployEvent.Halted("cancelled"));
            }
            List<DeployEffect> due = DeployReducer.due(state);
            assertThat(due).as("nothing is due in %s after %s", state, log).isNotEmpty();
            DeployEffect effect = due.get(rng.nextInt(due.size()));
            Slot slot = state.slots().get(effect.slot());
            boolean fails = rng.nextInt(100) < failures;
            boolean takesEffect = !fails || rng.nextInt(2) == 0;
            log.add(effect + " " + slot.name() + (fails ? " fails" : ""));
            String id = takesEffect ? host.perform(NEW, slot, effect) : "";
            if (takesEffect && rng.nextInt(4) == 0) {
                host.perform(NEW, slot, effect);
            }
            if (!fails) {
                return DeployReducer.next(state, new DeployEvent.Done(effect.slot(), slot.phase(), id));
            }
            if (effect instanceof DeployEffect.Prove) {
                host.machines.get(slot.name()).healthy = false;
            }
            return DeployReducer.next(state, new DeployEvent.Failed(effect.slot(), slot.phase(), "fails"));
        }

        private void during(DeployState state) {
            for (String group : state.windows().keySet()) {
                long down = state.slots().stream()
                        .filter(s -> s.role() == Role.UPDATE && s.group().equals(group) && s.ran())
                        .filter(s -> s.phase() != SlotPhase.STUCK)
                        .map(s -> host.machines.get(s.name()))
                        .filter(m -> m == null || !m.runs || !m.healthy)
                        .count();
                assertThat(down)
                        .as("%s of %s down after %s", down, group, log)
                        .isLessThanOrEqualTo(state.windows().get(group));
            }
            if (strategy == Strategy.BLUE_GREEN && state.stuck().isEmpty() && state.stage() != DeployStage.RETIRING) {
                blueOrGreen(state);
            }
        }

        /** While traffic can still go back, one of the two colours takes all of it. */
        private void blueOrGreen(DeployState state) {
            if (state.stage().over()) {
                return;
            }
            boolean blue = state.slots().stream()
                    .filter(s -> s.role() == Role.BLUE && s.ran() && !s.cordoned())
                    .allMatch(s -> host.machines.get(s.name()).serves());
            boolean green = state.slots().stream()
                    .filter(s -> s.role() == Role.FRESH)
                    .allMatch(s -> host.machines.containsKey(s.name())
                            && host.machines.get(s.name()).serves());
            assertThat(blue || green).as("neither colour serves after %s", log).isTrue();
            if (state.stage() == DeployStage.FORWARD) {
                assertThat(state.slots().stream()
                                .filter(s -> s.role() == Role.FRESH)
                                .map(s -> host.machines.get(s.name()))
                                .noneMatch(m -> m != null && !m.cordoned))
                        .as("a new machine takes traffic before all pass")
                        .isTrue();
            }
        }

        private void ended(DeployState state) {
            for (Slot slot : state.slots()) {
                ModelHost.Model m = host.machines.get(slot.name());
                String what = slot + " is " + m + " at the end of " + log;
                if (slot.phase() == SlotPhase.STUCK) {
                    assertThat(slot.note()).as(what).isNotEmpty();
                } else if (state.stage() == DeployStage.DONE && !slot.role().leaves()) {
                    assertThat(m).as(what).isNotNull();
                    assertThat(m.version).as(what).isEqualTo(NEW);
                    assertThat(m.runs).as(what).isEqualTo(slot.runs());
                    assertThat(m.cordoned).as(what).isEqualTo(slot.cordoned());
                } else if (state.stage() == DeployStage.DONE || slot.role().made()) {
                    assertThat(m).as(what).isNull();
                } else {
                    ModelHost.Model was = before.get(slot.name());
                    assertThat(m).as(what).hasToString(was.toString());
                }
            }
            assertThat(host.machines)
                    .as("machines that no slot knows")
                    .allSatisfy((id, m) ->
                            assertThat(state.slots()).anyMatch(s -> s.name().equals(id)));
        }
    }
}
