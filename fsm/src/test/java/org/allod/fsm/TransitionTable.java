package org.allod.fsm;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/** Asks the reducer about every state and input, and writes the answers as the table of its Javadoc. */
final class TransitionTable {
    private static final StepCounts SHAPE = new StepCounts(3, 2);
    private static final Outcome OUTCOME = new Outcome.Aborted("a");

    static final List<RunState> STATES = List.of(
            new RunState.Waiting(),
            new RunState.Running(0, 2),
            new RunState.Pausing(0, 2),
            new RunState.Cancelling(0, 2, "c"),
            new RunState.Finalizing(OUTCOME, 0, 2),
            new RunState.FinalPausing(OUTCOME, 0, 2),
            new RunState.Finished(OUTCOME));

    static final List<RunInput> INPUTS = List.of(
            new RunInput.Admitted(),
            new RunInput.Returned(0, Optional.empty()),
            new RunInput.Threw(0, "e"),
            new RunInput.Halted(0, OUTCOME),
            new RunInput.RetryDue(),
            new RunInput.Cancel("c"));

    private TransitionTable() {}

    static Map<RunState, Map<RunInput, Decision>> all() {
        Map<RunState, Map<RunInput, Decision>> table = new LinkedHashMap<>();
        for (RunState state : STATES) {
            Map<RunInput, Decision> row = new LinkedHashMap<>();
            INPUTS.forEach(input -> row.put(input, Reducer.next(SHAPE, state, input)));
            table.put(state, row);
        }
        return table;
    }

    /** Lines of the form {@code Running | Returned | Running | StepDone | RunStep}; illegal pairs have none. */
    static String text() {
        List<String> lines = new ArrayList<>();
        all().forEach((state, row) -> row.forEach((input, decision) -> {
            switch (decision) {
                case Decision.Next n ->
                    lines.add(line(state, input, name(n.state()), names(n.events()), names(n.effects())));
                case Decision.Refused r -> lines.add(line(state, input, "refused", "", ""));
                case Decision.Illegal i -> {}
            }
        }));
        return String.join("\n", lines);
    }

    private static String line(RunState state, RunInput input, String to, String events, String effects) {
        return "%-12s | %-8s | %-12s | %-22s | %s"
                .formatted(name(state), name(input), to, events, effects)
                .stripTrailing();
    }

    private static String names(List<?> things) {
        return things.stream().map(TransitionTable::name).collect(Collectors.joining(", "));
    }

    private static String name(Object thing) {
        return thing.getClass().getSimpleName();
    }
}
