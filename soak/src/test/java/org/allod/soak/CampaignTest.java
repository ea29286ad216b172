package org.allod.soak;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.allod.base.VirtualTime;
import org.junit.jupiter.api.Test;

class CampaignTest {
    private final VirtualTime time = new VirtualTime(Instant.EPOCH);

    @Test
    void suite_playsAsManyRoundsAsTheTestSays_fromTheSeedOn() {
        List<Long> seeds = new ArrayList<>();
        assertThat(new Campaign("c", 5, Optional.empty(), time).play(3, seeds::add))
                .isEqualTo(3);
        assertThat(seeds).containsExactly(5L, 6L, 7L);
    }

    @Test
    void soak_goesOnUntilTheTimeIsOver_andPlaysAtLeastOneRound() {
        Campaign campaign = new Campaign("c", 1, Optional.of(Duration.ofMinutes(1)), time);
        assertThat(campaign.play(1, seed -> time.advance(Duration.ofSeconds(25))))
                .isEqualTo(3);
        assertThat(campaign.play(1, seed -> {})).isEqualTo(1);
        assertThat(campaign.length(Duration.ofSeconds(1))).isEqualTo(Duration.ofMinutes(1));
    }

    @Test
    void failedRound_saysHowToPlayItAgain() {
        Campaign campaign = new Campaign("storm", 5, Optional.empty(), time);
        assertThatThrownBy(() -> campaign.play(9, seed -> assertThat(seed).isLessThan(7)))
                .isInstanceOf(AssertionError.class)
                .hasMessageContaining("seed 7: ")
                .hasMessageContaining("again: ./allod soak storm --seed 7");
    }
}
