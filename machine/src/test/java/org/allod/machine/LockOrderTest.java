package org.allod.machine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.concurrent.locks.ReentrantLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import org.allod.base.Bug;
import org.allod.machine.LockOrder.Rank;
import org.junit.jupiter.api.Test;

class LockOrderTest {
    private final ReentrantLock machine = new ReentrantLock();
    private final ReentrantLock other = new ReentrantLock();
    private final ReentrantReadWriteLock app = new ReentrantReadWriteLock();

    private <T> T machine(Leases.Gated<T, RuntimeException> work) {
        return LockOrder.holding(Rank.MACHINE, machine, machine, work);
    }

    private <T> T app(Leases.Gated<T, RuntimeException> work) {
        return LockOrder.holding(Rank.APP, app, app.readLock(), work);
    }

    @Test
    void locks_inTheirOrder_areTakenAndGivenBack() {
        assertThat(app(() -> machine(() -> machine(() -> "in")))).isEqualTo("in");
        assertThat(machine.isLocked()).isFalse();
        assertThat(app.getReadLockCount()).isZero();
        assertThat(machine(() -> "again")).isEqualTo("again");
    }

    @Test
    void locks_outOfTheirOrder_areADefectAndNotTaken() {
        assertThatThrownBy(() -> machine(() -> app(() -> "in")))
                .isInstanceOf(Bug.class)
                .hasMessageContaining("rank APP")
                .hasMessageContaining("rank MACHINE");
        assertThat(app.getReadLockCount()).isZero();
        assertThat(machine.isLocked()).isFalse();
    }

    @Test
    void locks_ofTwoMachines_areADefect_andSoIsDeletingAnAppFromWithinIt() {
        assertThatThrownBy(() -> machine(() -> LockOrder.holding(Rank.MACHINE, other, other, () -> "in")))
                .isInstanceOf(Bug.class);
        assertThatThrownBy(() -> app(() -> LockOrder.holding(Rank.APP, app, app.writeLock(), () -> "in")))
                .isInstanceOf(Bug.class);
    }
}
