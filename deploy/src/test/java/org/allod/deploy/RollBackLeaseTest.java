package org.allod.deploy;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.allod.base.FailedException;
import org.allod.base.RejectedException;
import org.allod.base.VirtualTime;
import org.allod.store.Database;
import org.allod.store.DatabaseOptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A roll-back that meets somebody's lease waits for its end: a machine is not left at the version that was taken back. */
class RollBackLeaseTest {
    private static final String ID = "01KAKF2W3Y0000000000000NEW";
    private static final String LEASED = "machine m0 is leased by somebody";

    @TempDir
    Path folder;

    private final VirtualTime time = new VirtualTime(Instant.parse("2026-01-01T00:00:00Z"));

    /** How often the machine is busy, or its host fails, once it is free of the lease. */
    private int busy;

    private int failing;

    /** Two machines; m1 is not well at the new version, and by then m0, which is, has been leased until {@code free}. */
    private Deploy rolledBack(ModelHost model, Duration free) throws InterruptedException {
        DeployOperations operations = new LeasedHands(model, time, time.monoNanos() + free.toNanos(), this);
        model.machine("m0", "web", true);
        model.machine("m1", "web", true);
        try (Database database =
                Database.open(folder.resolve("host.db"), DatabaseOptions.defaults(), List.of(DeploySchema.SCHEMA))) {
            DeployTable table = new DeployTable(database);
            DeployStore book = new DeployStore(table);
            Plan plan = ModelHost.plan(Strategy.ROLLING, 1, ModelHost.group("web", 2));
            table.add(ID, "app", "test", plan, time.wall());
            DeployState first = DeployPlanner.of(plan, ID, model.survey("app"));
            book.change(ID, d -> d.withState(first, time.wall()));
            EffectExecutor here = (name, task) -> {
                task.run();
                return () -> {};
            };
            DeployDriver driver = new DeployDriver(book, table, operations, here, time::advance, time);
            driver.drive(ID, s -> s.stage().over());
            return table.find(ID).orElseThrow();
        }
    }

    private record LeasedHands(ModelHost model, VirtualTime time, long free, RollBackLeaseTest test)
            implements DeployOperations {
        @Override
        public String pin(Deploy deploy, String image) {
            return model.pin(deploy, image);
        }

        @Override
        public void release(Deploy deploy) {
            model.release(deploy);
        }

        @Override
        public void destroyReleaseMachine(Deploy deploy, boolean all) {
            model.destroyReleaseMachine(deploy, all);
        }

        @Override
        public List<ObservedMachine> survey(String app) {
            return model.survey(app);
        }

        @Override
        public String perform(Deploy deploy, Slot slot, DeployEffect effect) {
            if (effect instanceof DeployEffect.Prove && slot.name().equals("m1")) {
                throw new MachineUnhealthy("does not listen");
            }
            if (effect instanceof DeployEffect.Restore && slot.name().equals("m0") && time.monoNanos() < free) {
                throw new Leased(LEASED);
            }
            if (effect instanceof DeployEffect.Restore && slot.name().equals("m0")) {
                if (test.busy-- > 0) {
                    throw RejectedException.conflict("run r is still at work on it");
                }
                if (test.failing-- > 0) {
                    throw new FailedException("the host could not");
                }
            }
            return model.perform(deploy, slot, effect);
        }

        @Override
        public java.util.Optional<String> findDrift(Deploy deploy, DeployState end) {
            return model.findDrift(deploy, end);
        }
    }

    @Test
    void rollBack_meetingALease_waitsForItsEnd_andIsWhole() throws Exception {
        ModelHost model = new ModelHost();
        // Far longer than the second that this deploy waits for anything on its way forward.
        Deploy end = rolledBack(model, Duration.ofMinutes(55));
        assertThat(end.status()).isEqualTo(DeployStatus.ROLLED_BACK);
        assertThat(model.machines.values()).allMatch(m -> m.version.equals(ModelHost.OLD) && m.runs);
        assertThat(end.state().orElseThrow().slots()).extracting(Slot::note).noneMatch(n -> n.contains("leased"));
    }

    @Test
    void rollBack_refusedAfterALease_hasItsWholeTimeStill() throws Exception {
        ModelHost model = new ModelHost();
        busy = 1;
        failing = 2;
        Deploy end = rolledBack(model, Duration.ofMinutes(55));
        assertThat(end.status()).isEqualTo(DeployStatus.ROLLED_BACK);
        assertThat(model.machines.values()).allMatch(m -> m.version.equals(ModelHost.OLD) && m.runs);
    }

    @Test
    void rollBack_meetingALeaseThatIsHeldOnAndOn_saysWhose_andTheOthersAreBack() throws Exception {
        ModelHost model = new ModelHost();
        Deploy end = rolledBack(model, Duration.ofDays(1));
        assertThat(end.status()).isEqualTo(DeployStatus.FAILED);
        assertThat(end.state().orElseThrow().stuck()).singleElement().satisfies(s -> {
            assertThat(s.name()).isEqualTo("m0");
            assertThat(s.note()).isEqualTo(LEASED);
        });
        assertThat(model.machines.get("m1").version).isEqualTo(ModelHost.OLD);
        assertThat(time.monoNanos())
                .isLessThan(DeployDriver.LONGEST_LEASE.plusMinutes(1).toNanos());
    }

    @Test
    void slotThatWaits_saysForWhat_untilItIsDone() {
        ModelHost model = new ModelHost();
        model.machine("m0", "web", true);
        Plan plan = ModelHost.plan(Strategy.ROLLING, 1, ModelHost.group("web", 1));
        DeployState state = DeployReducer.begin(DeployPlanner.of(plan, ID, model.survey("app")));
        SlotPhase phase = state.slots().getFirst().phase();
        DeployState waits = DeployReducer.next(state, new DeployEvent.Waits(0, phase, LEASED));
        assertThat(waits.slots().getFirst().note()).isEqualTo("waits: " + LEASED);
        assertThat(waits.slots().getFirst().phase()).isEqualTo(phase);
        assertThat(DeployReducer.next(waits, new DeployEvent.Done(0, phase, "m0"))
                        .slots()
                        .getFirst()
                        .note())
                .isEmpty();
        assertThat(DeployReducer.next(waits, new DeployEvent.Waits(0, SlotPhase.REMOVING, "late")))
                .isEqualTo(waits);
    }
}
