package org.allod.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import org.allod.base.MachineId;
import org.allod.base.RejectedException;
import org.junit.jupiter.api.Test;

class ExecSlotsTest {
    private final ExecSlots slots = new ExecSlots(new ExecSlots.Bounds(3, 4, 6, 100));
    private final List<ExecSlots.Slot> held = new ArrayList<>();

    private static Caller caller(int n) {
        return new Caller.Operator("192.0.2." + n);
    }

    private void take(int machine, Caller caller) {
        held.add(slots.take(MachineId.of(machine), caller));
    }

    private void refused(int machine, Caller caller, String bound) {
        assertThatThrownBy(() -> take(machine, caller))
                .isInstanceOfSatisfying(
                        RejectedException.class,
                        e -> assertThat(e.reason()).isEqualTo(RejectedException.Reason.RATE_LIMITED))
                .hasMessageContaining(bound);
    }

    @Test
    void commands_ofOneMachineOneCallerAndAll_areBounded_andEachBoundIsNamed() {
        for (int i = 0; i < 3; i++) {
            take(1, caller(i % 2));
        }
        refused(1, caller(9), "3 commands are running for machine 00000000000001");
        take(2, caller(0));
        take(3, caller(0));
        refused(4, caller(0), "4 commands are running for caller 192.0.2.0");
        take(4, caller(5));
        refused(5, caller(6), "6 commands are running for this host");
        held.removeFirst().close();
        take(5, caller(6));
    }

    @Test
    void operatorsSocket_hasRoomWhereTenantsHaveNone() {
        for (int i = 0; i < 6; i++) {
            take(i / 3 + 1, caller(i));
        }
        refused(9, caller(7), "this host");
        take(1, new Caller.Local(0));
    }

    @Test
    void slot_closedTwice_givesBackOnce_andItsOutputToo() {
        ExecSlots.Slot slot = slots.take(MachineId.of(1), caller(1));
        assertThat(slot.keep(60)).isTrue();
        assertThat(slot.keep(60)).isFalse();
        slot.close();
        slot.close();
        assertThat(slot.keep(1)).as("after its end").isFalse();
        try (ExecSlots.Slot other = slots.take(MachineId.of(1), caller(1))) {
            assertThat(other.keep(100)).isTrue();
        }
        for (int i = 0; i < 6; i++) {
            take(i, caller(i));
        }
        refused(7, caller(7), "this host");
    }
}
