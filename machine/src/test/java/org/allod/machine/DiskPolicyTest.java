package org.allod.machine;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.allod.base.MachineId;
import org.allod.machine.DiskPolicy.Action;
import org.allod.machine.DiskPolicy.Decision;
import org.allod.machine.DiskPolicy.Layer;
import org.allod.machine.DiskPolicy.State;
import org.allod.machine.DiskPolicy.Usage;
import org.junit.jupiter.api.Test;

/** What is done about a disk that fills up. */
class DiskPolicyTest {
    private static final DiskBounds.Watermarks MARKS = new DiskBounds.Watermarks(1_000, 200);
    private static final Layer MODEST = new Layer(MachineId.of(1), 90, 100);
    private static final Layer LARGE = new Layer(MachineId.of(2), 5_000, 6_000);
    private static final Layer GREEDY = new Layer(MachineId.of(3), 900, 100);
    private static final Layer WORST = new Layer(MachineId.of(4), 1_200, 100);

    private static Decision next(State state, long free, Layer... layers) {
        return DiskPolicy.next(state, new Usage(free, MARKS, List.of(layers)));
    }

    private static State full() {
        return new State(DiskLevel.FULL, java.util.Optional.empty(), 0);
    }

    @Test
    void level_fallsAtItsWatermark_andRisesAQuarterAbove() {
        State state = State.FIRST;
        assertThat(next(state, 1_000).actions()).isEmpty();
        state = next(state, 999).state();
        assertThat(state.level()).isEqualTo(DiskLevel.LOW);
        assertThat(next(state, 1_249).state().level()).isEqualTo(DiskLevel.LOW);
        assertThat(next(state, 1_250).actions()).containsExactly(new Action.Tell(DiskLevel.LOW, DiskLevel.OK));
        state = next(state, 199).state();
        assertThat(state.level()).isEqualTo(DiskLevel.FULL);
        assertThat(next(state, 249).state().level()).isEqualTo(DiskLevel.FULL);
        assertThat(next(state, 250).state().level()).isEqualTo(DiskLevel.LOW);
        assertThat(next(state, 5_000).state().level()).isEqualTo(DiskLevel.OK);
    }

    @Test
    void low_stopsNobody() {
        assertThat(next(State.FIRST, 500, GREEDY, WORST).actions())
                .containsExactly(new Action.Tell(DiskLevel.OK, DiskLevel.LOW));
    }

    @Test
    void full_stopsWhoHoldsMostBeyondItsPromise_andOneAtATime() {
        Decision first = next(State.FIRST, 100, MODEST, LARGE, GREEDY, WORST);
        assertThat(first.actions())
                .containsExactly(new Action.Tell(DiskLevel.OK, DiskLevel.FULL), new Action.Stop(WORST));
        Decision second = next(first.state(), 0, MODEST, LARGE, GREEDY, WORST);
        assertThat(second.actions()).as("while it ends").isEmpty();
        Decision third = next(second.state(), 0, MODEST, LARGE, GREEDY);
        assertThat(third.actions()).as("once it has ended").containsExactly(new Action.Stop(GREEDY));
        assertThat(next(third.state(), 0, MODEST, LARGE).actions())
                .as("who keeps to its promise")
                .isEmpty();
    }

    @Test
    void full_byOthersThanMachines_stopsNobody() {
        assertThat(next(full(), 0, MODEST, LARGE).actions()).isEmpty();
    }

    @Test
    void machineThatDoesNotEnd_isPassedOverAfterAWhile() {
        State state = next(full(), 0, GREEDY, WORST).state();
        List<Action> later = new ArrayList<>();
        for (int look = 0; look <= DiskPolicy.PATIENCE; look++) {
            Decision decision = next(state, 0, GREEDY, WORST);
            state = decision.state();
            later.addAll(decision.actions());
        }
        assertThat(later).containsExactly(new Action.Stop(GREEDY));
        for (int look = 0; look <= DiskPolicy.PATIENCE; look++) {
            Decision decision = next(state, 0, WORST);
            state = decision.state();
            later.addAll(decision.actions());
        }
        assertThat(later).contains(new Action.Stop(WORST));
    }

    @Test
    void anyCourse_neverStopsWhoKeepsItsPromise() {
        long seed = Long.getLong("allod.seed", 20_261_129L);
        Random random = new Random(seed);
        State state = State.FIRST;
        for (int look = 0; look < 20_000; look++) {
            List<Layer> layers = new ArrayList<>();
            for (int i = 0; i < random.nextInt(6); i++) {
                layers.add(new Layer(MachineId.of(i + 1), random.nextInt(300), random.nextInt(300)));
            }
            long free = random.nextInt(1_500);
            Decision decision = DiskPolicy.next(state, new Usage(free, MARKS, layers));
            long stops = decision.actions().stream()
                    .filter(a -> a instanceof Action.Stop)
                    .count();
            assertThat(stops).as("seed %d, look %d", seed, look).isLessThanOrEqualTo(1);
            for (Action action : decision.actions()) {
                if (action instanceof Action.Stop(Layer layer)) {
                    assertThat(layer.beyond())
                            .as("seed %d, look %d", seed, look)
                            .isPositive();
                    assertThat(decision.state().level()).isEqualTo(DiskLevel.FULL);
                }
            }
            state = decision.state();
        }
    }

    @Test
    void bounds_followTheDisk_unlessTheOperatorSays() {
        DiskBounds.Watermarks small = DiskBounds.USUAL.on(512L << 20);
        assertThat(small.low() >> 20).isEqualTo(51);
        assertThat(small.full() >> 20).isEqualTo(12);
        DiskBounds.Watermarks large = DiskBounds.USUAL.on(4L << 40);
        assertThat(large.low() >> 20).isEqualTo(2_048);
        assertThat(large.full() >> 20).isEqualTo(512);
        assertThat(new DiskBounds(5, 300, 0).on(4L << 40)).isEqualTo(new DiskBounds.Watermarks(300, 300));
        // 2 GiB unless said, of which a twentieth is promised, and two files of a log.
        assertThat(DiskBounds.USUAL.promise(TestHost.config("{\"image\":\"web\"}")) >> 20)
                .isEqualTo(104);
    }
}
