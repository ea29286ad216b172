package org.allod.sim;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class StateSimulationTest {
    private static final int SEEDS = 200;

    @Test
    void fleets_underFaults_loseNothingAndBecomeEqual() {
        for (long seed = 1; seed <= SEEDS; seed++) {
            StateSimulation.Result result = new StateSimulation(seed, hosts(seed), PlantedBug.NONE).run();
            assertThat(result.violation())
                    .as("again with: ./allod sim --seed %d --hosts %d", seed, hosts(seed))
                    .isEmpty();
            assertThat(result.acknowledged()).isPositive();
        }
    }

    private static int hosts(long seed) {
        return 3 + (int) (seed % 8);
    }

    @Test
    void sameSeed_givesTheSameLog() {
        for (long seed = 1; seed <= 3; seed++) {
            assertThat(new StateSimulation(seed, 6, PlantedBug.NONE).run().log())
                    .isEqualTo(
                            new StateSimulation(seed, 6, PlantedBug.NONE).run().log());
        }
    }

    /** Each mistake is found within twenty seeds. */
    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "NONE")
    void plantedBug_isFound(PlantedBug bug) {
        assertThat(LongStream.rangeClosed(1, 20)
                        .anyMatch(seed -> new StateSimulation(seed, 6, bug)
                                .run()
                                .violation()
                                .isPresent()))
                .as("%s was not found", bug)
                .isTrue();
    }
}
