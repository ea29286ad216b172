package org.allod.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import org.allod.base.MachineId;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class UserIdsTest {
    @TempDir
    Path folder;

    private UserIds ids(String instance) {
        return new UserIds(folder.resolve("claims"), instance);
    }

    private Path record(String daemon, MachineId machine) {
        return folder.resolve(daemon).resolve(machine.text()).resolve("vm.user");
    }

    @Test
    void machinesWhoseIdsEndAlike_haveUsersOfTheirOwn() {
        MachineId one = MachineId.of(0x1_1234_5678L);
        MachineId other = MachineId.of(0x2_1234_5678L);
        UserIds ids = ids("a");
        int first = ids.claim(one, record("a", one));
        int second = ids.claim(other, record("a", other));
        assertThat(first).isBetween(0x1000_0000, 0x1fff_ffff).isNotEqualTo(second);
        assertThat(ids.claim(one, record("a", one))).isEqualTo(first);
        assertThat(ids.claim(other, record("a", other))).isEqualTo(second);
        // The first gives its number back: that does not move the second.
        ids.release(one, record("a", one));
        assertThat(ids.claim(other, record("a", other))).isEqualTo(second);
    }

    @Test
    void daemonsOfOneHost_shareNoUser() {
        MachineId machine = MachineId.of(0x1fff_ffffL);
        int first = ids("a").claim(machine, record("a", machine));
        int second = ids("b").claim(machine, record("b", machine));
        assertThat(first).isEqualTo(0x1fff_ffff);
        assertThat(second).isEqualTo(0x1000_0000); // around the end
        ids("b").release(machine, record("a", machine)); // not its own to give
        assertThat(folder.resolve("claims").resolve("" + first)).exists();
    }

    @Test
    void claim_whoseRecordIsLost_isFoundAgain_andGoneOnceReleased() throws Exception {
        MachineId machine = MachineId.of(7);
        UserIds ids = ids("a");
        int number = ids.claim(machine, record("a", machine));
        Files.delete(record("a", machine)); // the daemon died in between
        assertThat(ids.claim(machine, record("a", machine))).isEqualTo(number);
        ids.release(machine, record("a", machine));
        assertThat(folder.resolve("claims")).isEmptyDirectory();
        assertThat(record("a", machine)).doesNotExist();
        ids.release(machine, record("a", machine));
    }
}
