package org.allod.fsm;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Optional;
import org.allod.soak.Campaign;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Two hundred lives of an engine, and a check that the checks can fail. */
class SimulationTest {
    private static final int SEEDS = 200;
    /** Within so many seeds each planted bug must be found. */
    private static final int PATIENCE = 40;

    @Test
    void engine_underFaults_keepsEveryPromise() {
        var _ = Campaign.of("simulation").play(SEEDS, seed -> new Simulation(seed, Optional.empty()).run());
    }

    @Test
    void sameSeed_twice_isTheSameRun() {
        for (long seed = 1; seed <= 10; seed++) {
            List<String> once = new Simulation(seed, Optional.empty()).run();
            assertThat(new Simulation(seed, Optional.empty()).run())
                    .isEqualTo(once)
                    .hasSizeGreaterThan(100);
        }
    }

    @ParameterizedTest
    @EnumSource(StoreFault.class)
    void plantedBug_isFound(StoreFault fault) {
        int seed = 0;
        Throwable found = null;
        while (found == null && ++seed <= PATIENCE) {
            try {
                new Simulation(seed, Optional.of(fault)).run();
            } catch (SimulatedWorld.Violation e) {
                found = e;
            }
        }
        System.out.println("planted " + fault + ": found at seed " + seed + ": " + found);
        assertThat(found).as("%s within %d seeds", fault, PATIENCE).isNotNull();
    }
}
