package org.allod.sim;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** In virtual time, so that no load of the machine changes the figures. */
class PropagationTest {
    @Test
    void change_inAQuietFleet_reachesAllHostsOnceAndNearTheFloor() {
        Propagation.Figures figures = new Propagation(42, 300, 0, 0).run(5, 200);
        System.out.println(figures);
        assertThat(figures.delivered()).isEqualTo(1);
        assertThat(figures.p50()).isLessThan(figures.floorP50() + 12);
        assertThat(figures.p99()).isLessThan(160);
        assertThat(figures.max()).isLessThan(200);
        assertThat(figures.copies()).isLessThan(1.1);
        assertThat(figures.idleBytesPerSecond()).isLessThan(2048);
    }

    @Test
    void change_where2PercentAreLost_reachesAllHosts() {
        Propagation.Figures figures = new Propagation(43, 300, 0.02, 0).run(2, 100);
        System.out.println(figures);
        assertThat(figures.delivered()).isGreaterThan(0.9995);
        assertThat(figures.allEqual()).as("what broadcast lost, sync brings").isTrue();
        assertThat(figures.copies()).isLessThan(1.2);
    }
}
