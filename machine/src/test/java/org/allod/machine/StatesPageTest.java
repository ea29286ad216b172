package org.allod.machine;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** The page of states is made from the code; {@code -Dallod.write=true} writes it anew. */
class StatesPageTest {
    private static final Path PAGE = Path.of(System.getProperty("allod.clone"), "docs", "guide", "states.md");

    private static String page() {
        StringBuilder text = new StringBuilder("""
                # The states of a machine

                Generated from `MachineState` and `MachineOperation`; a test fails when this page is not what they say.

                A *persistent* state lasts until somebody asks for something. A *transient* one belongs to a run and ends with
                it; one that outlasts its bound is noted as an event of type `blocked` that says what the run waits for
                (`allod machine show`, `allod fsm show`). A *terminal* one is the end.

                | state | kind | bound | verbs from here | nothing to do for |
                |---|---|---|---|---|
                """);
        for (MachineState state : MachineState.values()) {
            List<String> may = new ArrayList<>();
            List<String> already = new ArrayList<>();
            for (MachineOperation operation : MachineOperation.values()) {
                switch (operation.on(state)) {
                    case MachineOperation.Answer.Run(var during) ->
                        may.add(operation.word() + " (" + during.wire() + ")");
                    case MachineOperation.Answer.Already() -> already.add(operation.word());
                    case MachineOperation.Answer.Refused _ -> {}
                }
            }
            text.append("| `%s` | %s | %s | %s | %s |%n"
                    .formatted(
                            state.wire(),
                            state.kind().name().toLowerCase(java.util.Locale.ROOT),
                            state.bound().map(GoDuration::text).orElse(""),
                            String.join(", ", may),
                            String.join(", ", already)));
        }
        return text.append("""

                `destroy?force=true` is accepted in any state but the last. A version of a machine that another has taken the
                place of reads `replaced`, which ends it. The API's `replacing`, `launch_failed` and `migrated` do not occur on one
                host: an update is `updating`, and a launch that comes to nothing leaves no machine.
                """).toString();
    }

    @Test
    void page_isTheOneGeneratedFromTheCode() throws Exception {
        if (Boolean.getBoolean("allod.write")) {
            Files.writeString(PAGE, page());
        }
        assertThat(Files.readString(PAGE))
                .as("docs/guide/states.md is stale: run this test with -Dallod.write=true")
                .isEqualTo(page());
    }

    @Test
    void everyTransientState_andNoOther_hasABound() {
        assertThat(java.util.Arrays.stream(MachineState.values())
                        .filter(s -> s.bound().isPresent())
                        .collect(Collectors.toSet()))
                .isEqualTo(java.util.Arrays.stream(MachineState.values())
                        .filter(s -> s.kind() == MachineState.Kind.TRANSIENT)
                        .collect(Collectors.toSet()));
    }
}
