package org.allod.deploy;

import static org.allod.deploy.ModelHost.group;
import static org.allod.deploy.ModelHost.plan;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import org.junit.jupiter.api.Test;

/** The reducer through each strategy, by hand. */
class DeployReducerTest {
    private static final String NEW = "01KAKF2W3Y0000000000000NEW";

    private final ModelHost host = new ModelHost();
    private final List<String> log = new ArrayList<>();

    private DeployState begin(Plan plan) {
        return DeployPlanner.of(plan, NEW, host.survey("app"));
    }

    /** Carries out everything that is due, oldest slot first, failing where {@code fails} says, until it is over. */
    private DeployState run(DeployState from, Predicate<DeployEffect> fails) {
        DeployState state = from;
        for (int i = 0; !state.stage().over(); i++) {
            assertThat(i).as("steps: %s", log).isLessThan(200);
            List<DeployEffect> due = DeployReducer.due(state);
            assertThat(due).as("nothing is due in %s", state).isNotEmpty();
            DeployEffect effect = due.getFirst();
            Slot slot = state.slots().get(effect.slot());
            log.add(effect.getClass().getSimpleName() + " " + slot.name());
            if (fails.test(effect)) {
                host.perform(NEW, slot, effect);
                state = DeployReducer.next(state, new DeployEvent.Failed(effect.slot(), slot.phase(), "is unwell"));
            } else {
                String id = host.perform(NEW, slot, effect);
                state = DeployReducer.next(state, new DeployEvent.Done(effect.slot(), slot.phase(), id));
            }
        }
        return state;
    }

    private void machines(int running, int stopped) {
        for (int i = 0; i < running + stopped; i++) {
            host.machine("m" + i, "web", i < running);
        }
    }

    private static String fresh(int n) {
        return Plan.machineName("web", NEW, n);
    }

    @Test
    void rolling_twoMachines_oneAfterTheOther() {
        machines(2, 0);
        DeployState end = run(begin(plan(Strategy.ROLLING, 1, group("web", null))), e -> false);
        assertThat(end.stage()).isEqualTo(DeployStage.DONE);
        assertThat(log).containsExactly("Change m0", "Prove m0", "Change m1", "Prove m1");
        assertThat(host.machines.values()).allMatch(m -> m.version.equals(NEW) && m.serves());
    }

    @Test
    void rolling_secondFails_bothGoBack_theFailedOneFirst() {
        machines(3, 0);
        DeployState end = run(
                begin(plan(Strategy.ROLLING, 1, group("web", null))),
                e -> e instanceof DeployEffect.Prove p && p.slot() == 1);
        assertThat(end.stage()).isEqualTo(DeployStage.ROLLED_BACK);
        assertThat(end.why()).isEqualTo("machine m1 is unwell");
        assertThat(log).containsExactly("Change m0", "Prove m0", "Change m1", "Prove m1", "Restore m1", "Restore m0");
        assertThat(host.machines.values()).allMatch(m -> m.version.equals(ModelHost.OLD) && m.serves());
    }

    @Test
    void rolling_stoppedMachines_stayStopped_butOneIsProven() {
        machines(0, 3);
        DeployState end = run(begin(plan(Strategy.ROLLING, 2, group("web", null))), e -> false);
        assertThat(end.stage()).isEqualTo(DeployStage.DONE);
        assertThat(log).contains("Prove m0", "Rest m0").doesNotContain("Prove m1", "Prove m2");
        assertThat(host.machines.values()).allMatch(m -> m.version.equals(NEW) && !m.runs);
    }

    @Test
    void machineThatHadFailed_runsAtTheNewVersion_andIsNotStartedAtTheOldOne() {
        machines(0, 1);
        host.machines.get("m0").failed = true;
        run(begin(plan(Strategy.ROLLING, 1, group("web", null))), e -> false);
        assertThat(host.machines.get("m0").serves()).isTrue();
        host.machines.clear();
        machines(0, 1);
        host.machines.get("m0").failed = true;
        run(begin(plan(Strategy.ROLLING, 1, group("web", null))), e -> e instanceof DeployEffect.Prove);
        assertThat(host.machines.get("m0").version).isEqualTo(ModelHost.OLD);
        assertThat(host.machines.get("m0").runs).isFalse();
    }

    @Test
    void rolling_moreThanThereAre_areMade_fewerAreRemoved() {
        machines(3, 0);
        host.machine("w0", "worker", true);
        host.machine("x0", "gone", true);
        run(begin(plan(Strategy.ROLLING, 3, group("web", 1), group("worker", 3))), e -> false);
        assertThat(host.machines.keySet())
                .containsExactlyInAnyOrder(
                        "m0", "w0", Plan.machineName("worker", NEW, 1), Plan.machineName("worker", NEW, 2));
        assertThat(log.indexOf("Remove m1")).isGreaterThan(log.indexOf("Prove w0"));
    }

    @Test
    void firstDeploy_makesMachines_andAFailureLeavesNone() {
        DeployState state = begin(plan(Strategy.ROLLING, 1, group("web", 2)));
        assertThat(run(state, e -> false).stage()).isEqualTo(DeployStage.DONE);
        assertThat(host.machines.keySet()).containsExactly(fresh(1), fresh(2));
        host.machines.clear();
        log.clear();
        DeployState failed =
                run(begin(plan(Strategy.ROLLING, 1, group("web", 2))), e -> e instanceof DeployEffect.Prove);
        assertThat(failed.stage()).isEqualTo(DeployStage.ROLLED_BACK);
        assertThat(host.machines).isEmpty();
    }

    @Test
    void canary_failing_touchesNoMachineThatWasThere() {
        machines(3, 0);
        DeployState end =
                run(begin(plan(Strategy.CANARY, 1, group("web", null))), e -> e instanceof DeployEffect.Prove);
        assertThat(end.stage()).isEqualTo(DeployStage.ROLLED_BACK);
        assertThat(log).containsExactly("Change " + fresh(0), "Prove " + fresh(0), "Remove " + fresh(0));
        assertThat(host.calls).doesNotContainKeys("m0", "m1", "m2");
    }

    @Test
    void canary_passing_goesAfterTheOthersAreNew() {
        machines(2, 0);
        run(begin(plan(Strategy.CANARY, 1, group("web", null))), e -> false);
        assertThat(log)
                .containsExactly(
                        "Change " + fresh(0),
                        "Prove " + fresh(0),
                        "Change m0",
                        "Prove m0",
                        "Change m1",
                        "Prove m1",
                        "Remove " + fresh(0));
    }

    @Test
    void blueGreen_switchesWhenAllPass_newOnesInBeforeOldOnesOut() {
        machines(2, 0);
        run(begin(plan(Strategy.BLUE_GREEN, 1, group("web", null))), e -> false);
        int lastProve = log.indexOf("Prove " + fresh(2));
        assertThat(log.indexOf("Open " + fresh(1))).isGreaterThan(lastProve);
        assertThat(log.indexOf("Close m0")).isGreaterThan(log.indexOf("Open " + fresh(2)));
        assertThat(log.indexOf("Remove m0")).isGreaterThan(log.indexOf("Close m1"));
        assertThat(host.machines.values()).hasSize(2).allMatch(m -> m.version.equals(NEW) && m.serves());
    }

    @Test
    void blueGreen_failingAtTheSwitch_opensTheOldOnesBeforeTheNewOnesGo() {
        machines(2, 0);
        DeployState end = run(
                begin(plan(Strategy.BLUE_GREEN, 1, group("web", null))),
                e -> e instanceof DeployEffect.Close c && c.slot() == 3);
        assertThat(end.stage()).isEqualTo(DeployStage.ROLLED_BACK);
        assertThat(log.indexOf("Remove " + fresh(1))).isGreaterThan(log.indexOf("Restore m0"));
        assertThat(host.machines.values()).hasSize(2).allMatch(m -> m.version.equals(ModelHost.OLD) && m.serves());
    }

    @Test
    void immediate_beginsAllAtOnce_andAsksForNoChecks() {
        machines(5, 0);
        DeployState state = begin(plan(Strategy.IMMEDIATE, 1, group("web", null)));
        assertThat(DeployReducer.due(state)).hasSize(5);
        run(state, e -> false);
        assertThat(host.machines.values()).allMatch(m -> m.version.equals(NEW));
        assertThat(DeployReducer.due(state.with(0, state.slots().getFirst().withPhase(SlotPhase.VERIFYING)))
                        .getFirst())
                .isEqualTo(new DeployEffect.Prove(0, false));
    }

    @Test
    void cancel_beforeTheOldGo_takesBack_andAfterwardsIsTooLate() {
        machines(1, 0);
        DeployState state = begin(plan(Strategy.BLUE_GREEN, 1, group("web", null)));
        assertThat(DeployReducer.next(state, new DeployEvent.Halted("enough")).stage())
                .isEqualTo(DeployStage.ROLLING_BACK);
        DeployState retiring = state.withStage(DeployStage.RETIRING)
                .with(0, state.slots().getFirst().withPhase(SlotPhase.SERVING));
        DeployState late = DeployReducer.next(retiring, new DeployEvent.Halted("enough"));
        assertThat(late.stage()).isEqualTo(DeployStage.RETIRING);
        assertThat(run(late, e -> false).stage()).isEqualTo(DeployStage.DONE);
    }

    @Test
    void eventOfAnEffectThatIsNoLongerDue_isNotListenedTo() {
        machines(1, 0);
        DeployState state = begin(plan(Strategy.ROLLING, 1, group("web", null)));
        assertThat(DeployReducer.next(state, new DeployEvent.Done(0, SlotPhase.VERIFYING, "")))
                .isEqualTo(state);
        assertThat(DeployReducer.next(state, new DeployEvent.Failed(0, SlotPhase.RESTORING, "late")))
                .isEqualTo(state);
    }

    @Test
    void machineThatCannotBeRestored_isNamed_andHoldsNobodyUp() {
        machines(3, 0);
        DeployState end = run(
                begin(plan(Strategy.ROLLING, 2, group("web", null))),
                e -> (e instanceof DeployEffect.Prove p && p.slot() == 1)
                        || (e instanceof DeployEffect.Restore r && r.slot() == 1));
        assertThat(DeployStatus.of(end)).isEqualTo(DeployStatus.FAILED);
        assertThat(end.stuck()).extracting(Slot::name).containsExactly("m1");
        assertThat(host.machines.get("m0").version).isEqualTo(ModelHost.OLD);
    }
}
