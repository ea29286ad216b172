package org.allod.machine;

import static org.allod.machine.BootPriority.CHANGE;
import static org.allod.machine.BootPriority.REQUEST;
import static org.allod.machine.BootPriority.SCHEDULE;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class AdmissionQueueTest {
    private static List<String> drain(AdmissionQueue<String> queue) {
        List<String> order = new ArrayList<>();
        for (Optional<String> next = queue.admit(); next.isPresent(); next = queue.admit()) {
            order.add(next.get());
            queue.release();
        }
        return order;
    }

    @Test
    void admit_classes_requestsBeforeChangesBeforeSchedulesEachInOrder() {
        AdmissionQueue<String> queue = new AdmissionQueue<>(1);
        queue.add("s1", SCHEDULE);
        queue.add("c1", CHANGE);
        queue.add("r1", REQUEST);
        queue.add("c2", CHANGE);
        queue.add("r2", REQUEST);
        assertThat(drain(queue)).containsExactly("r1", "r2", "c1", "c2", "s1");
    }

    @Test
    void admit_asManyAsTheBound_noMoreUntilOneIsReleased() {
        AdmissionQueue<String> queue = new AdmissionQueue<>(2);
        List.of("a", "b", "c").forEach(item -> queue.add(item, REQUEST));
        assertThat(queue.admit()).contains("a");
        assertThat(queue.admit()).contains("b");
        assertThat(queue.admit()).isEmpty();
        assertThat(queue.running()).isEqualTo(2);
        assertThat(queue.waiting(REQUEST)).isEqualTo(1);
        queue.release();
        assertThat(queue.admit()).contains("c");
    }

    @Test
    void admit_endlessRequests_passALowerClassABoundedNumberOfTimes() {
        AdmissionQueue<String> queue = new AdmissionQueue<>(1);
        queue.add("s", SCHEDULE);
        queue.add("c", CHANGE);
        List<String> order = new ArrayList<>();
        for (int i = 0; i < 30; i++) {
            queue.add("r", REQUEST);
            order.add(queue.admit().orElseThrow());
            queue.release();
        }
        assertThat(order.indexOf("s")).isEqualTo(AdmissionQueue.MAX_PASSED);
        assertThat(order.indexOf("c")).isEqualTo(AdmissionQueue.MAX_PASSED + 1);
    }

    @Test
    void remove_waiting_isForgottenAndItsClassBeginsAnew() {
        AdmissionQueue<String> queue = new AdmissionQueue<>(1);
        queue.add("a", REQUEST);
        queue.add("b", REQUEST);
        assertThat(queue.remove("a")).isTrue();
        assertThat(queue.remove("a")).isFalse();
        assertThat(drain(queue)).containsExactly("b");
    }
}
