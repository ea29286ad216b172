package org.allod.base;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.Test;

class BelievedClockTest {
    private static final Instant T0 = Instant.parse("2026-01-01T00:00:00Z");
    private final VirtualTime time = new VirtualTime(T0);

    private static void day(VirtualTime time, BelievedClock clock) {
        for (int hour = 0; hour < 24; hour++) {
            time.advance(Duration.ofHours(1));
            clock.observe();
        }
    }

    @Test
    void calendar_steadyForADay_isBelieved_andNotBefore() {
        BelievedClock clock = new BelievedClock(time);
        time.advance(Duration.ofHours(23));
        assertThat(clock.believedWall()).isEmpty();
        time.advance(Duration.ofHours(1));
        assertThat(clock.believedWall()).contains(T0.plus(Duration.ofDays(1)));
        assertThat(clock.steps()).isZero();
    }

    @Test
    void calendar_thatSteps_isNotBelievedForADay_whichWayItWent() {
        BelievedClock clock = new BelievedClock(time);
        day(time, clock);
        for (Duration step : new Duration[] {Duration.ofDays(400), Duration.ofDays(-400), Duration.ofMinutes(2)}) {
            time.step(step);
            // Whoever asks first sees it, though nobody has looked.
            assertThat(clock.believedWall()).as("%s", step).isEmpty();
            time.advance(Duration.ofHours(23));
            assertThat(clock.believedWall()).isEmpty();
            time.advance(Duration.ofHours(1));
            assertThat(clock.believedWall()).contains(time.wall());
        }
        assertThat(clock.steps()).isEqualTo(3);
        assertThat(clock.state().highest()).isAfterOrEqualTo(T0.plus(Duration.ofDays(401)));
    }

    @Test
    void calendar_thatIsSlewed_isBelieved_andManySmallStepsAreOneLarge() {
        BelievedClock clock = new BelievedClock(time);
        day(time, clock);
        time.step(Duration.ofSeconds(40));
        assertThat(clock.observe()).isFalse();
        assertThat(clock.believedWall()).isPresent();
        time.step(Duration.ofSeconds(40));
        assertThat(clock.observe()).isTrue();
        assertThat(clock.believedWall()).isEmpty();
    }

    @Test
    void restart_soonAndInOrder_keepsTheBelief_elseItIsEarnedAnew() {
        BelievedClock first = new BelievedClock(time);
        day(time, first);
        BelievedClock.State kept = first.state();
        time.advance(Duration.ofMinutes(2));
        BelievedClock soon = new BelievedClock(time);
        assertThat(soon.restore(kept)).isTrue();
        assertThat(soon.believedWall()).isPresent();

        time.step(Duration.ofHours(-10));
        BelievedClock back = new BelievedClock(time);
        assertThat(back.restore(kept)).isFalse();
        assertThat(back.believedWall()).isEmpty();
        assertThat(back.state().highest()).isEqualTo(kept.highest());
        day(time, back);
        assertThat(back.believedWall()).isPresent();

        BelievedClock.State later = back.state();
        time.step(Duration.ofDays(100));
        BelievedClock ahead = new BelievedClock(time);
        assertThat(ahead.restore(later)).isFalse();
        assertThat(ahead.believedWall()).isEmpty();
    }

    @Test
    void ids_afterARestartWithTheClockBack_goOnGrowing() {
        IdGenerator first = new IdGenerator(time, Rng.seeded(1));
        Ulid last = first.ulid();
        time.step(Duration.ofDays(-30));
        IdGenerator next = new IdGenerator(time, Rng.seeded(2));
        next.after(last);
        Ulid one = next.ulid();
        assertThat(one).isGreaterThan(last);
        assertThat(next.ulid()).isGreaterThan(one);
        next.after(last);
        assertThat(next.ulid()).isGreaterThan(one);
    }
}
