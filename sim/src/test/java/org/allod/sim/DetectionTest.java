package org.allod.sim;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** In virtual time, so that no load of the machine changes the figures. */
class DetectionTest {
    @Test
    void death_isKnownToAllWithin10Seconds_andNobodyElseIsBelievedDead() {
        Detection.Figures figures = new Detection(7, 150, 0.01).run(30, 8, 12);
        System.out.println(figures);
        assertThat(figures.allKnow()).hasSize(8).allMatch(seconds -> seconds <= 10);
        assertThat(figures.falselyDead()).isZero();
    }
}
