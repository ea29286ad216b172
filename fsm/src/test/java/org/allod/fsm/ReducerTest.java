package org.allod.fsm;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

class ReducerTest {
    private static final StepCounts PLAIN = new StepCounts(2, 0);

    @Test
    void javadoc_table_isTheOneGeneratedFromTheCode() throws Exception {
        Path source = Path.of("src/main/java/org/allod/fsm/Reducer.java");
        String table = Files.readAllLines(source).stream()
                .filter(line -> line.startsWith(" * ") && line.contains(" | "))
                .skip(1)
                .map(line -> line.substring(3))
                .collect(Collectors.joining("\n"));

        assertThat(table)
                .as("the generated table is:\n%s", TransitionTable.text())
                .isEqualTo(TransitionTable.text());
    }

    @Test
    void illegalInput_anywhere_isAValueNamingBothSides() {
        int illegal = 0;
        for (var row : TransitionTable.all().entrySet()) {
            for (var cell : row.getValue().entrySet()) {
                if (cell.getValue() instanceof Decision.Illegal i) {
                    assertThat(i).isEqualTo(new Decision.Illegal(row.getKey(), cell.getKey()));
                    illegal++;
                }
            }
        }
        assertThat(illegal).isEqualTo(7 * 6 - 27);
    }

    @Test
    void returned_ofAnotherStep_isIllegalInEveryState() {
        for (RunState state : TransitionTable.STATES) {
            assertThat(Reducer.next(new StepCounts(3, 3), state, new RunInput.Returned(2, Optional.empty())))
                    .isInstanceOf(Decision.Illegal.class);
        }
    }

    @Test
    void lastStep_noFinalizers_finishesInTheSameRecord() {
        Decision decision = Reducer.next(PLAIN, new RunState.Running(1, 1), new RunInput.Returned(1, Optional.empty()));

        assertThat(decision)
                .isEqualTo(new Decision.Next(
                        new RunState.Finished(new Outcome.Completed()),
                        List.of(
                                new Event.StepDone(1, 1, Optional.empty()),
                                new Event.Finished(new Outcome.Completed())),
                        List.of(new Effect.Finish())));
    }

    @Test
    void cancel_whileAStepRuns_waitsForItBeforeTheFinalizers() {
        StepCounts counts = new StepCounts(2, 1);
        var cancelling = (Decision.Next) Reducer.next(counts, new RunState.Running(0, 1), new RunInput.Cancel("why"));
        assertThat(cancelling.effects()).containsExactly(new Effect.Interrupt());

        var ended =
                (Decision.Next) Reducer.next(counts, cancelling.state(), new RunInput.Returned(0, Optional.empty()));
        assertThat(ended.state()).isEqualTo(new RunState.Finalizing(new Outcome.Cancelled("why"), 0, 1));
        assertThat(ended.effects()).containsExactly(new Effect.RunFinalizer(0, 1));
    }
}
