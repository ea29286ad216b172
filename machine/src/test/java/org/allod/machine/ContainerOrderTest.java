package org.allod.machine;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

class ContainerOrderTest {
    private static ContainerConfig container(String name, List<String> on) {
        return new ContainerConfig(
                name,
                "",
                MachineConfig.Command.OF_IMAGE,
                Map.of(),
                List.of(),
                SecretSelection.USUAL,
                List.of(),
                "",
                on.stream()
                        .map(d -> new ContainerConfig.Dependency(d, ContainerConfig.Condition.STARTED))
                        .toList(),
                List.of(),
                InitReader.USUAL_RESTART,
                InitReader.USUAL_STOP);
    }

    @Test
    void circle_isNamedFromItsFirstToItsFirst() {
        assertThat(ContainerOrder.cycle(List.of(
                        container("a", List.of("b")), container("b", List.of("c", "d")),
                        container("c", List.of()), container("d", List.of("b")))))
                .contains(List.of("b", "d", "b"));
        assertThat(ContainerOrder.cycle(List.of(container("a", List.of("a"))))).contains(List.of("a", "a"));
    }

    @Test
    void diamond_isNoCircle() {
        assertThat(ContainerOrder.cycle(List.of(
                        container("top", List.of("left", "right")), container("left", List.of("bottom")),
                        container("right", List.of("bottom")), container("bottom", List.of()))))
                .isEmpty();
    }

    /** Whatever depends only on what came before has an order; one edge back from the last to the first breaks it. */
    @Test
    void randomOrders_haveACircleExactlyWhereOneWasMade() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        for (int round = 0; round < 200; round++) {
            int count = 2 + random.nextInt(10);
            List<ContainerConfig> all = new ArrayList<>();
            for (int i = 0; i < count; i++) {
                List<String> on = new ArrayList<>();
                if (i > 0) {
                    on.add("c" + (i - 1));
                    on.add("c" + random.nextInt(i));
                }
                all.add(container("c" + i, on));
            }
            assertThat(ContainerOrder.cycle(all)).as("seed " + seed).isEmpty();
            all.set(0, container("c0", List.of("c" + (count - 1))));
            List<String> circle = ContainerOrder.cycle(all).orElseThrow(() -> new AssertionError("seed " + seed));
            assertThat(circle.getFirst()).as("seed " + seed).isEqualTo(circle.getLast());
        }
    }
}
