package org.allod.machine;

import static org.allod.machine.TestHost.ID;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.function.BiConsumer;
import java.util.function.Function;
import org.allod.base.VirtualTime;
import org.allod.fsm.RunResult;
import org.allod.fsm.RunType;
import org.allod.fsm.RunTypeHarness;
import org.junit.jupiter.api.Test;

/** Every run type of this room through failures, crashes and repeats at every point, on the model of a host. */
class LifecycleHarnessTest {
    private static final String CONFIG = "{\"image\":\"web\"}";

    private record World<Q>(
            TestHost host,
            Function<LifecycleRunTypes, RunType<Q, LifecycleRequests.Progress>> pick,
            Q request,
            BiConsumer<TestHost, RunResult> check)
            implements RunTypeHarness.World<Q, LifecycleRequests.Progress> {
        @Override
        public RunType<Q, LifecycleRequests.Progress> type() {
            host.restart();
            return pick.apply(host.lifecycle);
        }

        @Override
        public String subject() {
            return ID.text();
        }

        @Override
        public void completed(RunResult result) {
            settled();
            check.accept(host, result);
            host.close();
        }

        @Override
        public void halted(RunResult result) {
            settled();
            host.close();
        }

        /** Whatever happened: a lasting state, and a guest exactly where the record says there is one. */
        private void settled() {
            Machine m = host.now();
            assertThat(m.state().kind()).as("state %s", m.state()).isNotEqualTo(MachineState.Kind.TRANSIENT);
            assertThat(host.runtime.running.containsKey(ID))
                    .as("guest of a machine that is %s", m.state())
                    .isEqualTo(m.state() == MachineState.STARTED);
            assertThat(host.runtime.saved.contains(ID))
                    .as("saved memory of a machine that is %s", m.state())
                    .isEqualTo(m.state() == MachineState.SUSPENDED);
            if (m.state() == MachineState.DESTROYED) {
                assertThat(host.runtime.present()).isEmpty();
            }
        }
    }

    private static <Q> void check(
            MachineState from,
            String config,
            Function<LifecycleRunTypes, RunType<Q, LifecycleRequests.Progress>> pick,
            Function<Machine, Q> request,
            MachineState to) {
        check(from, config, 0, pick, request, to);
    }

    /** @param restarts in a row that the machine has behind it */
    private static <Q> void check(
            MachineState from,
            String config,
            int restarts,
            Function<LifecycleRunTypes, RunType<Q, LifecycleRequests.Progress>> pick,
            Function<Machine, Q> request,
            MachineState to) {
        var report = RunTypeHarness.check((VirtualTime time) -> {
            TestHost host = new TestHost(time, time);
            Machine m = host.machine(from, config);
            host.records.change(m.id(), now -> now.withRestarts(restarts, time.wall()));
            return new World<>(
                    host,
                    pick,
                    request.apply(m),
                    (h, result) -> assertThat(h.now().state()).isEqualTo(to));
        });
        assertThat(report.scenarios()).hasSizeGreaterThan(8);
    }

    private static LifecycleRequests.Simple simple(Machine m) {
        return new LifecycleRequests.Simple(m.id().text(), "user");
    }

    private static LifecycleRequests.Stop stop(Machine m) {
        return new LifecycleRequests.Stop(m.id().text(), 15, 1_000, "user");
    }

    @Test
    void create_disturbedAnywhere_endsStarted() {
        check(
                MachineState.CREATING,
                CONFIG,
                l -> l.create,
                m -> new LifecycleRequests.Create(m.id().text(), true, true),
                MachineState.STARTED);
    }

    @Test
    void create_withoutLaunch_endsCreated() {
        check(
                MachineState.CREATING,
                CONFIG,
                l -> l.create,
                m -> new LifecycleRequests.Create(m.id().text(), false, null),
                MachineState.CREATED);
    }

    @Test
    void start_stopped_endsStarted() {
        check(MachineState.STOPPED, CONFIG, l -> l.start, LifecycleHarnessTest::simple, MachineState.STARTED);
    }

    @Test
    void start_suspended_endsStarted() {
        check(MachineState.SUSPENDED, CONFIG, l -> l.start, LifecycleHarnessTest::simple, MachineState.STARTED);
    }

    @Test
    void stop_started_endsStopped() {
        check(MachineState.STARTED, CONFIG, l -> l.stop, LifecycleHarnessTest::stop, MachineState.STOPPED);
    }

    @Test
    void stop_autoDestroy_endsDestroyed() {
        check(
                MachineState.STARTED,
                "{\"image\":\"web\",\"auto_destroy\":true}",
                l -> l.stop,
                LifecycleHarnessTest::stop,
                MachineState.DESTROYED);
    }

    @Test
    void restart_started_endsStarted() {
        check(MachineState.STARTED, CONFIG, l -> l.restart, LifecycleHarnessTest::stop, MachineState.STARTED);
    }

    @Test
    void suspend_started_endsSuspended() {
        check(MachineState.STARTED, CONFIG, l -> l.suspend, LifecycleHarnessTest::simple, MachineState.SUSPENDED);
    }

    @Test
    void update_started_endsStartedAtTheNewVersion() {
        check(
                MachineState.STARTED,
                CONFIG,
                l -> l.update,
                m -> new LifecycleRequests.Update(
                        m.id().text(),
                        "01KAKF2W3Y0000000000000000",
                        TestHost.config("{\"image\":\"web\",\"env\":{\"B\":\"2\"}}")
                                .json(),
                        true,
                        false,
                        "started",
                        true),
                MachineState.STARTED);
    }

    @Test
    void update_suspended_endsStartedAtTheNewVersion() {
        check(
                MachineState.SUSPENDED,
                CONFIG,
                l -> l.update,
                m -> new LifecycleRequests.Update(
                        m.id().text(),
                        "01KAKF2W3Y0000000000000000",
                        TestHost.config("{\"image\":\"web\",\"env\":{\"B\":\"2\"}}")
                                .json(),
                        true,
                        false,
                        "suspended",
                        null),
                MachineState.STARTED);
    }

    @Test
    void destroy_started_leavesNothing() {
        check(MachineState.STARTED, CONFIG, l -> l.destroy, LifecycleHarnessTest::simple, MachineState.DESTROYED);
    }

    @Test
    void exited_onFailure_isStartedAgain() {
        check(
                MachineState.STARTED,
                CONFIG,
                l -> l.exited,
                m -> new LifecycleRequests.Exited(m.id().text(), m.version().toString(), 1, 0, false),
                MachineState.STARTED);
    }

    @Test
    void exited_cleanly_isLeftStopped() {
        check(
                MachineState.STARTED,
                CONFIG,
                l -> l.exited,
                m -> new LifecycleRequests.Exited(m.id().text(), m.version().toString(), 0, 0, false),
                MachineState.STOPPED);
    }

    private static final String TWO_RETRIES =
            "{\"image\":\"web\",\"restart\":{\"policy\":\"on-failure\",\"max_retries\":2}}";

    private static LifecycleRequests.Exited failed(Machine m) {
        return new LifecycleRequests.Exited(m.id().text(), m.version().toString(), 1, 0, false);
    }

    /** The last restart that is allowed is decided once: what is done twice of it is not taken for one too many. */
    @Test
    void exited_withOneRetryLeft_isStartedAgain() {
        check(MachineState.STARTED, TWO_RETRIES, 1, l -> l.exited, LifecycleHarnessTest::failed, MachineState.STARTED);
    }

    @Test
    void exited_withNoRetryLeft_endsFailed() {
        check(MachineState.STARTED, TWO_RETRIES, 2, l -> l.exited, LifecycleHarnessTest::failed, MachineState.FAILED);
    }
}
