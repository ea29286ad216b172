package org.allod.deploy;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.allod.base.VirtualTime;
import org.allod.fsm.RunResult;
import org.allod.fsm.RunType;
import org.allod.fsm.RunTypeHarness;
import org.allod.soak.Scratch;
import org.allod.store.Database;
import org.allod.store.DatabaseOptions;
import org.junit.jupiter.api.Test;

/** The run type through failures, crashes, repeats and cancels at every point, on a real table and model machines. */
class DeployHarnessTest {
    private static final String ID = "01KAKF2W3Y0000000000000NEW";

    private static final class World implements RunTypeHarness.World<DeployRun.Job, DeployRun.Result> {
        private final ModelHost host = new ModelHost();
        private final Database database;
        private final VirtualTime time;
        private final DeployTable table;

        World(VirtualTime time, Strategy strategy) {
            this.time = time;
            database = Database.open(
                    Scratch.folder("allod-deploy").resolve("host.db"),
                    DatabaseOptions.defaults(),
                    List.of(DeploySchema.SCHEMA));
            host.machine("m0", "web", true);
            host.machine("m1", "web", true);
            host.machine("m2", "web", false);
            table = new DeployTable(database);
            table.add(ID, "app", "test", ModelHost.plan(strategy, 1, ModelHost.group("web", 3)), time.wall());
        }

        @Override
        public RunType<DeployRun.Job, DeployRun.Result> type() {
            // The simulated process has one thread: effects are carried out where they are begun.
            EffectExecutor here = (name, task) -> {
                task.run();
                return () -> {};
            };
            return new DeployRun(table, new DeployStore(table), host, here, t -> {}, time).type;
        }

        @Override
        public String subject() {
            return "app";
        }

        @Override
        public DeployRun.Job request() {
            return new DeployRun.Job("app", ID);
        }

        @Override
        public void completed(RunResult result) {
            Deploy deploy = table.find(ID).orElseThrow();
            assertThat(deploy.status()).isEqualTo(DeployStatus.DONE);
            assertThat(host.machines.values()).hasSize(3).allMatch(m -> m.version.equals(ID) && !m.cordoned);
            database.close();
        }

        @Override
        public void halted(RunResult result) {
            Deploy deploy = table.find(ID).orElseThrow();
            // A cancel that comes when all is done changes nothing of it.
            String version = deploy.status() == DeployStatus.DONE ? ID : ModelHost.OLD;
            assertThat(deploy.status()).isIn(DeployStatus.DONE, DeployStatus.ROLLED_BACK);
            assertThat(deploy.ended()).isPresent();
            assertThat(host.machines.values()).hasSize(3).allMatch(m -> m.version.equals(version) && !m.cordoned);
            database.close();
        }
    }

    private static void check(Strategy strategy) {
        var report = RunTypeHarness.check((VirtualTime time) -> new World(time, strategy));
        assertThat(report.scenarios()).hasSizeGreaterThan(20);
    }

    @Test
    void rolling_disturbedAnywhere_isDoneOrBack() {
        check(Strategy.ROLLING);
    }

    @Test
    void immediate_disturbedAnywhere_isDoneOrBack() {
        check(Strategy.IMMEDIATE);
    }

    @Test
    void canary_disturbedAnywhere_isDoneOrBack() {
        check(Strategy.CANARY);
    }

    @Test
    void blueGreen_disturbedAnywhere_isDoneOrBack() {
        check(Strategy.BLUE_GREEN);
    }
}
