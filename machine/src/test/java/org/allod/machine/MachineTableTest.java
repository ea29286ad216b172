package org.allod.machine;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.allod.base.MachineId;
import org.allod.base.Ulid;
import org.allod.base.VirtualTime;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What is kept of machines does not grow with what is done to them. */
class MachineTableTest {
    private static final Instant NOON = Instant.parse("2026-01-01T12:00:00Z");

    private final VirtualTime time = new VirtualTime(NOON);
    private final TestHost host = new TestHost(time, time);

    @AfterEach
    void close() {
        host.close();
    }

    private void put(MachineId id, Ulid version, String note, MachineState state, Instant updated) {
        host.table.put(
                new Machine(
                        id,
                        "app",
                        1,
                        "m" + id,
                        "local",
                        "gvisor",
                        version,
                        TestHost.config("{\"image\":\"web\",\"env\":{\"NOTE\":\"" + note + "\"}}"),
                        Optional.empty(),
                        state,
                        false,
                        0,
                        Optional.empty(),
                        updated,
                        updated,
                        "fd00::1"),
                List.of());
    }

    private int rows(String table) {
        return host.database
                .read(tx -> tx.first("SELECT count(*) FROM " + table, row -> row.getInt(1)))
                .orElseThrow();
    }

    @Test
    void versions_ofALivingMachine_areTheNewestHundred_andTheOneItHas() {
        Ulid had = host.ids.ulid();
        put(MachineId.of(1), had, "first", MachineState.STOPPED, NOON);
        Ulid last = had;
        for (int i = 0; i < 2 * MachineTable.VERSIONS; i++) {
            last = host.ids.ulid();
            put(MachineId.of(1), last, "n" + i, MachineState.STOPPED, NOON);
        }
        assertThat(host.table.versions(MachineId.of(1)))
                .hasSize(MachineTable.VERSIONS)
                .first()
                .extracting(MachineTable.Version::version)
                .isEqualTo(last.toString());
        assertThat(rows("machine_version")).isEqualTo(MachineTable.VERSIONS);
        put(MachineId.of(1), had, "first", MachineState.STOPPED, NOON); // back to the oldest there was
        assertThat(rows("machine_version")).isEqualTo(MachineTable.VERSIONS + 1);
    }

    @Test
    void versions_thatAreLarge_areFewer() {
        for (int i = 0; i < 20; i++) {
            put(MachineId.of(1), host.ids.ulid(), "x".repeat(1 << 20), MachineState.STOPPED, NOON);
        }
        assertThat(rows("machine_version")).isEqualTo(MachineTable.VERSIONS_LARGE);
    }

    @Test
    void destroyedMachines_howeverTheyEnded_areBoundedInNumber() {
        int more = 30;
        for (int i = 0; i < MachineTable.GONE + more; i++) {
            put(MachineId.of(i), host.ids.ulid(), "", MachineState.DESTROYED, NOON.plusMillis(i));
        }
        assertThat(rows("machine")).isEqualTo(MachineTable.GONE);
        assertThat(rows("machine_version")).isEqualTo(MachineTable.GONE);
        assertThat(host.table.find(MachineId.of(more - 1))).isEmpty();
        assertThat(host.table.find(MachineId.of(more))).isPresent();
    }

    @Test
    void destroyedMachines_ofLongAgo_areFew() {
        for (int i = 0; i < 2 * MachineTable.GONE_LONG; i++) {
            put(MachineId.of(i), host.ids.ulid(), "", MachineState.DESTROYED, NOON.plusMillis(i));
        }
        Instant later = NOON.plus(MachineTable.GONE_FOR).plus(Duration.ofDays(1));
        put(MachineId.of(9_999), host.ids.ulid(), "", MachineState.DESTROYED, later);
        put(MachineId.of(10_000), host.ids.ulid(), "", MachineState.DESTROYED, later);
        assertThat(rows("machine")).isBetween(MachineTable.GONE_LONG, MachineTable.GONE_LONG + 2);
    }
}
