package org.allod.host;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.allod.host.Linearizability.Op;
import org.allod.host.MachineModel.Did;
import org.allod.host.MachineModel.Outcome;
import org.junit.jupiter.api.Test;

/** Tests the checker itself: what it accepts and, above all, what it rejects. */
class LinearizabilityTest {
    private final List<Op<Did>> history = new ArrayList<>();

    private void did(long call, long ret, Did what) {
        history.add(new Op<>(call, ret, what));
    }

    private boolean possible() {
        return Linearizability.violation(new MachineModel("01", "a"), history).isEmpty();
    }

    private static Did.Update update(String expected, String value, String version) {
        return new Did.Update(expected, value, version.isEmpty() ? Outcome.STALE : Outcome.DONE, version);
    }

    @Test
    void concurrentUpdates_oneWinsAndTheOtherIsTold_pass() {
        did(0, 10, update("01", "b", "02"));
        did(1, 9, update("01", "c", ""));
        did(2, 8, new Did.Read("01", "a", "a"));
        did(11, 12, new Did.Read("02", "b", "b"));
        assertThat(possible()).isTrue();
    }

    @Test
    void lostUpdate_isFound() {
        did(0, 10, update("01", "b", "02"));
        did(1, 9, update("01", "c", "03"));
        assertThat(possible()).isFalse();
    }

    @Test
    void staleRead_isFound() {
        did(0, 10, update("01", "b", "02"));
        did(11, 12, new Did.Read("01", "a", "a"));
        assertThat(possible()).isFalse();
    }

    @Test
    void versionsOutOfOrder_areFound() {
        did(0, 1, update("01", "b", "03"));
        did(2, 3, update("03", "c", "02"));
        assertThat(possible()).isFalse();
    }

    @Test
    void updateOfUnknownOutcome_mayHaveHappenedOrNot_butNotBoth() {
        did(0, Long.MAX_VALUE, new Did.Update("01", "b", Outcome.UNKNOWN, ""));
        did(5, 6, new Did.Read("01", "a", "a"));
        assertThat(possible()).isTrue();
        did(7, 8, new Did.Read("02", "b", "b"));
        assertThat(possible()).isTrue();
        did(9, 10, new Did.Read("01", "a", "a"));
        assertThat(possible()).isFalse();
    }

    @Test
    void twoHolders_areFound() {
        did(0, 1, new Did.Take(100, Outcome.DONE, "x"));
        did(2, 3, new Did.Take(100, Outcome.REFUSED, ""));
        assertThat(possible()).isTrue();
        did(4, 5, new Did.Take(100, Outcome.DONE, "y"));
        assertThat(possible()).isFalse();
    }

    @Test
    void leaseThatRanOut_mayBeTakenByAnother_butNotBeforeItsTime() {
        did(0, 1, new Did.Take(100, Outcome.DONE, "x"));
        did(102, 103, new Did.Take(100, Outcome.DONE, "y"));
        assertThat(possible()).isTrue();
        history.removeLast();
        did(50, 51, new Did.Note("n", "", Outcome.DONE));
        assertThat(possible()).as("a change by somebody else under a lease").isFalse();
        history.removeLast();
        did(102, 103, new Did.Note("n", "x", Outcome.DONE));
        assertThat(possible()).as("a change by a holder whose lease has ended").isFalse();
    }

    @Test
    void holdersChange_andOthersRefusal_pass() {
        did(0, 1, new Did.Take(100, Outcome.DONE, "x"));
        did(2, 3, new Did.Note("n", "x", Outcome.DONE));
        did(2, 4, new Did.Note("m", "", Outcome.REFUSED));
        did(5, 6, new Did.Release("x", Outcome.DONE));
        did(7, 8, new Did.Note("m", "", Outcome.DONE));
        did(9, 10, new Did.Read("01", "a", "m"));
        assertThat(possible()).isTrue();
        did(11, 12, new Did.Note("k", "", Outcome.REFUSED));
        assertThat(possible()).as("refused for a lease that nobody holds").isFalse();
    }
}
