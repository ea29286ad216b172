package org.allod.host;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import org.allod.base.MachineId;
import org.allod.base.Ulid;
import org.allod.edge.CatalogApp;
import org.allod.edge.ListenerSpec;
import org.allod.edge.Statics;
import org.allod.machine.ConfigReader;
import org.allod.machine.Machine;
import org.allod.machine.MachineState;
import org.allod.machine.StrictJsonReader;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.json.JsonMapper;

/** An app's routes follow its machines one change at a time. */
class AppRoutesTest {
    private static final int EDGE = 8080;
    private static final String HTTP = "{\"internal_port\":80,\"ports\":[{\"port\":80,\"handlers\":[\"http\"]}]}";
    private static final String HTTPS =
            "{\"internal_port\":80,\"ports\":[{\"port\":443,\"handlers\":[\"tls\",\"http\"]}]}";
    private static final String RAW = "{\"internal_port\":5432,\"ports\":[{\"port\":5432}]}";
    private static final String NO_PORTS = "{\"internal_port\":9000}";
    private static final List<String> SERVICES = List.of(
            "",
            HTTP,
            HTTPS,
            RAW,
            NO_PORTS,
            HTTP + "," + RAW,
            "{\"internal_port\":80,\"ports\":[{\"port\":8080,\"handlers\":[\"http\"],\"force_https\":true}]}");

    private final Map<String, CatalogApp> routes = new HashMap<>();
    private final Map<Integer, ListenerSpec> doors = new TreeMap<>();

    private static Machine machine(int number, long version, String services, MachineState state) {
        return new Machine(
                MachineId.of(number),
                "app",
                1,
                "m-" + number,
                "local",
                "gvisor",
                new Ulid(version, number),
                ConfigReader.read(StrictJsonReader.of(
                        new JsonMapper().readTree("{\"image\":\"web\",\"services\":[" + services + "]}"), "config")),
                Optional.empty(),
                state,
                false,
                0,
                Optional.empty(),
                Instant.EPOCH,
                Instant.EPOCH,
                "fd00::" + Integer.toHexString(number));
    }

    private static AppRoutes ways() {
        return new AppRoutes("app", EDGE, (id, service) -> true, m -> Statics.NONE);
    }

    private static void take(
            AppRoutes.Changes changes, Map<String, CatalogApp> routes, Map<Integer, ListenerSpec> doors) {
        changes.routes()
                .forEach((name, app) -> app.ifPresentOrElse(a -> routes.put(name, a), () -> routes.remove(name)));
        changes.doors()
                .forEach((port, door) -> door.ifPresentOrElse(d -> doors.put(port, d), () -> doors.remove(port)));
    }

    @Test
    void changes_oneAfterTheOther_areWhatAllAtOnceWouldBe() {
        Random random = new Random(5);
        AppRoutes ways = ways();
        Map<MachineId, Machine> now = new TreeMap<>();
        for (int step = 0; step < 300; step++) {
            for (int change = 0; change <= random.nextInt(4); change++) {
                int number = random.nextInt(12);
                if (random.nextInt(3) == 0) {
                    ways.remove(MachineId.of(number));
                    now.remove(MachineId.of(number));
                } else {
                    Machine m = machine(
                            number,
                            random.nextInt(20),
                            SERVICES.get(random.nextInt(SERVICES.size())),
                            random.nextBoolean() ? MachineState.STARTED : MachineState.STOPPED);
                    ways.put(m);
                    now.put(m.id(), m);
                }
            }
            take(ways.changes(), routes, doors);
            AppRoutes fresh = ways();
            now.values().forEach(fresh::put);
            Map<String, CatalogApp> all = new HashMap<>();
            Map<Integer, ListenerSpec> open = new TreeMap<>();
            take(fresh.changes(), all, open);
            assertThat(routes).as("step %d", step).isEqualTo(all);
            assertThat(doors).as("step %d", step).isEqualTo(open);
        }
        take(ways.end(), routes, doors);
        assertThat(routes).isEmpty();
        assertThat(doors).isEmpty();
    }

    @Test
    void app_withoutMachines_isKnown_andOneThatNamesOnlyHttpsAnswersPlainRequests() {
        AppRoutes ways = ways();
        take(ways.changes(), routes, doors);
        assertThat(routes).containsOnlyKeys("app");
        assertThat(routes.get("app").backends()).isEmpty();

        ways.put(machine(1, 1, SERVICES.get(2), MachineState.STARTED));
        take(ways.changes(), routes, doors);
        assertThat(routes).containsOnlyKeys("app", "app:443");
        assertThat(routes.get("app").backends())
                .hasSize(1)
                .isEqualTo(routes.get("app:443").backends());
        assertThat(doors).containsOnlyKeys(443);

        ways.remove(MachineId.of(1));
        take(ways.changes(), routes, doors);
        assertThat(routes).containsOnlyKeys("app");
        assertThat(routes.get("app").backends()).isEmpty();
        assertThat(doors).isEmpty();
    }

    @Test
    void port_thatMachinesTreatDifferently_isTreatedAsTheNewestSays() {
        AppRoutes ways = ways();
        ways.put(machine(1, 5, SERVICES.get(6), MachineState.STARTED));
        ways.put(machine(2, 4, HTTP, MachineState.STARTED));
        take(ways.changes(), routes, doors);
        assertThat(routes.get("app").http().forceHttps()).isTrue();

        ways.put(machine(2, 6, HTTP, MachineState.STARTED));
        take(ways.changes(), routes, doors);
        assertThat(routes.get("app").http().forceHttps()).isFalse();

        ways.remove(MachineId.of(2));
        take(ways.changes(), routes, doors);
        assertThat(routes.get("app").http().forceHttps()).isTrue();
        assertThat(routes.get("app").backends()).hasSize(1);
    }

    @Test
    void change_ofOneMachine_tellsOnlyItsPorts() {
        AppRoutes ways = ways();
        List<Machine> machines = new ArrayList<>();
        for (int i = 0; i < 50; i++) {
            machines.add(
                    machine(i, 1, HTTP + "," + RAW.replace("5432", String.valueOf(6000 + i)), MachineState.STOPPED));
        }
        machines.forEach(ways::put);
        take(ways.changes(), routes, doors);
        assertThat(routes).hasSize(51);
        ways.put(machine(7, 1, HTTP + "," + RAW.replace("5432", "6007"), MachineState.STARTED));
        assertThat(ways.changes().routes()).containsOnlyKeys("app", "app:6007");
        assertThat(ways.changes().routes()).isEmpty();
    }
}
