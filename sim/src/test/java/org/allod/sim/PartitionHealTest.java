package org.allod.sim;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** In virtual time, so that no load of the machine changes the figures. */
class PartitionHealTest {
    @Test
    void fleetCutInHalves_isEqualSoonAfterItHeals() {
        PartitionHeal.Figures figures = new PartitionHeal(3, 24).run(40, 20);
        System.out.println(figures);
        assertThat(figures.equalAfter()).isBetween(0.0, 15.0);
        assertThat(figures.sentBytes()).isLessThan(3 * figures.missedBytes());
    }
}
