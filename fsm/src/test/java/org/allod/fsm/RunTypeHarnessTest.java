package org.allod.fsm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** The harness accepts a type that is written well and finds each way of writing it badly. */
class RunTypeHarnessTest {
    /** How the type under test is wrong. */
    private enum Flaw {
        NONE,
        NOT_IDEMPOTENT,
        STATE_IN_MEMORY,
        LEAKS_WHEN_HALTED
    }

    /** A machine is made of a disk and a network; the run makes both and notes them in its response. */
    private static final class House implements RunTypeHarness.World<String, String> {
        final Flaw flaw;
        final List<String> disks = new ArrayList<>();
        final Set<String> networks = new HashSet<>();
        final List<Outcome> published = new ArrayList<>();

        House(Flaw flaw) {
            this.flaw = flaw;
        }

        @Override
        public RunType<String, String> type() {
            Set<String> memory = new HashSet<>();
            return RunType.named("make")
                    .codec(Codec.text(), Codec.text())
                    .step("disk", c -> {
                        if (flaw == Flaw.NOT_IDEMPOTENT || !disks.contains(c.subject())) {
                            disks.add(c.subject());
                        }
                        memory.add("disk");
                        return "disk";
                    })
                    .step("network", c -> {
                        if (flaw == Flaw.STATE_IN_MEMORY && !memory.contains("disk")) {
                            throw new IllegalStateException("no disk in memory");
                        }
                        assertThat(c.response()).contains("disk");
                        networks.add(c.subject());
                        return "disk+network";
                    })
                    .finalizer("publish", (c, outcome) -> {
                        if (!(outcome instanceof Outcome.Completed) && flaw != Flaw.LEAKS_WHEN_HALTED) {
                            disks.remove(c.subject());
                            networks.remove(c.subject());
                        }
                        published.add(outcome);
                    })
                    .build();
        }

        @Override
        public String subject() {
            return "m1";
        }

        @Override
        public String request() {
            return "";
        }

        @Override
        public void completed(RunResult result) {
            assertThat(type().response(result)).contains("disk+network");
            assertThat(disks).containsExactly("m1");
            assertThat(networks).containsExactly("m1");
            assertThat(published).isNotEmpty().containsOnly(new Outcome.Completed());
        }

        @Override
        public void halted(RunResult result) {
            assertThat(disks).isEmpty();
            assertThat(networks).isEmpty();
            assertThat(published).isNotEmpty().containsOnly(result.outcome());
        }
    }

    @Test
    void check_goodType_passesEveryScenario() {
        var report = RunTypeHarness.check(time -> new House(Flaw.NONE));

        assertThat(report.scenarios())
                .contains(
                        "undisturbed",
                        "'disk' fails before its effect",
                        "'publish' is repeated",
                        "crash before record 1",
                        "crash after record 4",
                        "disk full at record 2",
                        "'network' is unrecoverable",
                        "cancelled during 'disk'")
                .hasSize(1 + 3 * 3 + 4 * 3 + 2 * 2);
    }

    @Test
    void check_stepNotIdempotent_namesTheScenario() {
        assertThatThrownBy(() -> RunTypeHarness.check(time -> new House(Flaw.NOT_IDEMPOTENT)))
                .isInstanceOf(AssertionError.class)
                .hasMessageContaining("'disk' fails after its effect");
    }

    @Test
    void check_stepReliesOnMemory_isFoundByTheCrash() {
        assertThatThrownBy(() -> RunTypeHarness.check(time -> new House(Flaw.STATE_IN_MEMORY)))
                .isInstanceOf(AssertionError.class)
                .hasMessageContaining("crash after record 2");
    }

    @Test
    void check_haltedRunLeaks_isFound() {
        assertThatThrownBy(() -> RunTypeHarness.check(time -> new House(Flaw.LEAKS_WHEN_HALTED)))
                .isInstanceOf(AssertionError.class)
                .hasMessageContaining("cancelled during 'disk'");
    }
}
