package org.allod.machine;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ScheduleTest {
    private static final Instant CREATED = Instant.parse("2026-01-31T10:17:05Z");

    @ParameterizedTest
    @CsvSource({
        "HOURLY,2026-01-31T10:17:05Z,2026-01-31T11:17:05Z",
        "HOURLY,2026-02-03T23:17:04Z,2026-02-03T23:17:05Z",
        "HOURLY,2026-02-03T23:17:05Z,2026-02-04T00:17:05Z",
        "DAILY,2026-02-03T10:17:06Z,2026-02-04T10:17:05Z",
        "WEEKLY,2026-02-01T00:00:00Z,2026-02-07T10:17:05Z",
        "MONTHLY,2026-02-01T00:00:00Z,2026-02-28T10:17:05Z",
        "MONTHLY,2026-03-01T00:00:00Z,2026-03-31T10:17:05Z",
        "MONTHLY,2031-06-15T00:00:00Z,2031-06-30T10:17:05Z",
    })
    void next_isTheFirstOfItsPhaseAfterNow(Schedule schedule, Instant now, Instant due) {
        assertThat(schedule.next(CREATED, now)).isEqualTo(due);
    }

    /** Whenever one looks, what is next lies ahead, within one period, and is what one looking there finds again. */
    @Test
    void next_atRandomTimes_isAheadAndOfThePhase() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        for (int i = 0; i < 2_000; i++) {
            Schedule schedule = Schedule.values()[random.nextInt(4)];
            Instant now = CREATED.plusSeconds(random.nextInt(Integer.MAX_VALUE));
            Instant due = schedule.next(CREATED, now);
            assertThat(due).as("seed " + seed).isAfter(now).isBeforeOrEqualTo(now.plus(Duration.ofDays(31)));
            assertThat(schedule.next(CREATED, due.minusSeconds(1)))
                    .as("seed " + seed)
                    .isEqualTo(due);
        }
    }
}
