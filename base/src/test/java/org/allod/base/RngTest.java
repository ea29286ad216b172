package org.allod.base;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class RngTest {
    @Test
    void fork_afterOtherDraws_givesTheSameStream() {
        Rng one = Rng.seeded(42);
        Rng two = Rng.seeded(42);
        two.nextLong();
        assertThat(one.fork("a").nextLong()).isEqualTo(two.fork("a").nextLong());
        assertThat(one.fork("a").nextLong()).isNotEqualTo(one.fork("b").nextLong());
    }
}
