package org.allod.machine;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Optional;
import org.allod.base.IdGenerator;
import org.allod.base.MachineId;
import org.allod.base.RejectedException;
import org.allod.base.Rng;
import org.allod.base.SystemClock;
import org.junit.jupiter.api.Test;

class PortConflictsTest {
    private static final MachineId SELF = MachineId.of(1);
    private static final MachineId OTHER = MachineId.of(2);

    private static MachineConfig config(String... ports) {
        return TestHost.config("{\"image\":\"web\",\"services\":[{\"internal_port\":80,\"ports\":["
                + String.join(",", ports).replace('\'', '"') + "]}]}");
    }

    private static Machine of(String app, String... ports) {
        SystemClock clock = new SystemClock();
        return new Machine(
                OTHER,
                app,
                1,
                "one",
                "local",
                "gvisor",
                new IdGenerator(clock, Rng.seeded(1)).ulid(),
                config(ports),
                Optional.empty(),
                MachineState.STOPPED,
                false,
                0,
                Optional.empty(),
                clock.wall(),
                clock.wall(),
                "fd00::2");
    }

    private static void check(String mine, Machine other) {
        PortConflicts.check(config(mine), "web", SELF, List.of(other));
    }

    @Test
    void rawPort_ofAnotherApp_isRefusedNamingItsOwner() {
        Machine db = of("db", "{'start_port':5430,'end_port':5440}");
        assertThatThrownBy(() -> check("{'port':5432}", db))
                .isInstanceOf(RejectedException.class)
                .hasMessage("config.services[0].ports[0] asks for port 5432 of the edge for raw TCP, and app db has it"
                        + " for raw TCP (machine " + OTHER + ")");
        assertThatThrownBy(() -> check("{'port':5440,'handlers':['http']}", db)).isInstanceOf(RejectedException.class);
        check("{'port':5441}", db);
    }

    @Test
    void httpPorts_areSharedByName_butNotWithTlsBesidePlain() {
        Machine other = of("other", "{'port':9000,'handlers':['http']}");
        check("{'port':9000,'handlers':['http']}", other);
        assertThatThrownBy(() -> check("{'port':9000,'handlers':['tls','http']}", other))
                .isInstanceOf(RejectedException.class);
    }

    @Test
    void portsOfTheSameApp_areItsOwn() {
        check("{'port':5432}", of("web", "{'port':5432}"));
    }

    @Test
    void portAskedForTwice_isRefused() {
        assertThatThrownBy(() -> PortConflicts.check(
                        config("{'port':5432}", "{'start_port':5000,'end_port':5050}", "{'port':5010}"),
                        "web",
                        SELF,
                        List.of()))
                .isInstanceOf(RejectedException.class)
                .hasMessageContaining("ports[2] asks for port 5010, and so does config.services[0].ports[1]");
    }
}
