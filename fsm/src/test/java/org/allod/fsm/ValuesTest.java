package org.allod.fsm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.allod.base.Rng;
import org.junit.jupiter.api.Test;

/** The small types: defaults, bounds and what they refuse. */
class ValuesTest {
    @Test
    void options_defaults_areThese() {
        assertThat(EngineOptions.defaults())
                .isEqualTo(new EngineOptions(
                        Map.of(),
                        10_000,
                        200_000,
                        1 << 20,
                        new Backoff(Duration.ofMillis(100), Duration.ofSeconds(5)),
                        1000,
                        10_000,
                        Duration.ofDays(7),
                        1024));
    }

    @Test
    void backoff_attempts_doubleUpToTheBoundWithinTheUpperHalf() {
        Backoff backoff = new Backoff(Duration.ofMillis(100), Duration.ofSeconds(5));
        Rng rng = Rng.seeded(3);
        for (int attempt : List.of(1, 2, 3, 6, 7, 40, 1_000_000)) {
            long range = Math.min(5000, attempt > 6 ? 5000 : 100L << (attempt - 1));
            for (int i = 0; i < 100; i++) {
                assertThat(backoff.after(attempt, rng).toMillis()).isBetween(range / 2, range);
            }
        }
        assertThat(backoff.after(4, Rng.seeded(9))).isEqualTo(backoff.after(4, Rng.seeded(9)));
    }

    @Test
    void trace_headers_areCheckedAndMalformedOnesDropped() {
        String good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        assertThat(TraceContext.parse(good, "vendor=1")).contains(new TraceContext(good, "vendor=1"));
        assertThat(TraceContext.parse(good, "x".repeat(513))).contains(new TraceContext(good, ""));
        for (String bad : List.of(
                "",
                good.toUpperCase(java.util.Locale.ROOT),
                good.replaceFirst("00", "ff"),
                "00-" + "0".repeat(32) + "-b7ad6b7169203331-01",
                "00-0af7651916cd43dd8448eb211c80319c-" + "0".repeat(16) + "-01",
                good + "x")) {
            assertThat(TraceContext.parse(bad, "")).as(bad).isEmpty();
        }
        assertThatThrownBy(() -> new TraceContext("nonsense", "")).isInstanceOf(IllegalArgumentException.class);
    }

    record Old(String image) {}

    record New(String image, Optional<Integer> cpus) {}

    @Test
    void json_olderAndNewerRecords_readEachOther() {
        byte[] old = Codec.json(Old.class).encode(new Old("web"));
        assertThat(Codec.json(New.class).decode(old)).isEqualTo(new New("web", Optional.empty()));
        byte[] fresh = Codec.json(New.class).encode(new New("web", Optional.of(2)));
        assertThat(Codec.json(Old.class).decode(fresh)).isEqualTo(new Old("web"));
        assertThat(Codec.json(New.class).decode(fresh)).isEqualTo(new New("web", Optional.of(2)));
    }

    @Test
    void runType_badParts_areRefusedAllAtOnce() {
        assertThatThrownBy(() -> RunType.named("t")
                        .codec(Codec.text(), Codec.text())
                        .step("a", c -> null)
                        .step("a", c -> null)
                        .finalizer("x\ny", (c, outcome) -> {})
                        .build())
                .hasMessageContainingAll("run type t", "'a'", "'x\ny'");
        assertThatThrownBy(() ->
                        RunType.named("t").codec(Codec.text(), Codec.text()).build())
                .hasMessageContaining("no step");
    }

    @Test
    void outcomes_columns_roundTrip() {
        for (Outcome outcome : List.of(
                new Outcome.Completed(),
                new Outcome.Aborted("a"),
                new Outcome.Unrecoverable(Fault.USER, "u"),
                new Outcome.Unrecoverable(Fault.SYSTEM, "s"),
                new Outcome.HandedOff(RunId.parse("01ARZ3NDEKTSV4RRFFQ69G5FAV").orElseThrow()),
                new Outcome.Cancelled("c"))) {
            assertThat(RowMapper.outcome(RowMapper.outcomeWord(outcome), RowMapper.outcomeDetail(outcome)))
                    .isEqualTo(outcome);
        }
        assertThatThrownBy(() -> RowMapper.outcome("odd", "")).hasMessageContaining("unknown outcome 'odd'");
    }

    @Test
    void states_columns_roundTrip() {
        for (RunState state : TransitionTable.STATES) {
            if (!(state instanceof RunState.Finished)) {
                assertThat(RowMapper.Phase.of(state).state()).isEqualTo(state);
            }
        }
    }
}
