package org.allod.deploy;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class DeployJsonTest {
    /** Phases had other names in the version before; a deploy that was under way then goes on. */
    @Test
    void state_thatAnOlderVersionStored_isRead() {
        Slot slot = Slot.toMake("web-1", "web", Role.FRESH);
        Map.of(
                        "PROVING", SlotPhase.VERIFYING,
                        "RESTING", SlotPhase.STOPPING,
                        "HELD", SlotPhase.READY,
                        "OPENING", SlotPhase.UNCORDONING,
                        "CLOSING", SlotPhase.CORDONING)
                .forEach((old, phase) -> {
                    DeployState now = new DeployState(
                            Strategy.ROLLING,
                            Map.of("web", 1),
                            DeployStage.FORWARD,
                            "",
                            List.of(slot.withPhase(phase)));
                    String stored = DeployJson.write(now).replace("\"" + phase + "\"", "\"" + old + "\"");
                    assertThat(stored).contains("\"" + old + "\"");
                    assertThat(DeployJson.state(stored)).isEqualTo(now);
                });
    }
}
