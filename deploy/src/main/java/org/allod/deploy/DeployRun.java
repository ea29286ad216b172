package org.allod.deploy;

import java.util.ArrayList;
import java.util.List;
import org.allod.base.Clock;
import org.allod.base.FailedException;
import org.allod.base.RejectedException;
import org.allod.fsm.Abort;
import org.allod.fsm.Fault;
import org.allod.fsm.Outcome;
import org.allod.fsm.RunType;
import org.allod.fsm.StepContext;
import org.allod.fsm.Unrecoverable;
import org.allod.machine.Sleeper;

/**
 * The run type of a deploy: steps for images, survey and change, and a finalizer that rolls back unless all of them
 * succeeded. Because the rollback is the finalizer, whatever ends a step early (a failure, a cancellation, a bug) leads
 * to it, and the engine carries it out even across crashes.
 */
final class DeployRun {
    static final String NAME = "deploy";

    /** Attempts to make an image ready, or to run a release command, before the run fails. */
    private static final int TRIES = 3;

    /** The request, which only names the deploy; all else is in its record. */
    record Job(String app, String deploy) {}

    /** The run's response. */
    record Result(String status) {}

    private final DeployTable table;
    private final DeployStore store;
    private final DeployOperations operations;
    private final DeployDriver driver;
    private final Clock clock;

    final RunType<Job, Result> type;

    DeployRun(
            DeployTable table,
            DeployStore store,
            DeployOperations operations,
            EffectExecutor executor,
            Sleeper sleeper,
            Clock clock) {
        this.table = table;
        this.store = store;
        this.operations = operations;
        this.driver = new DeployDriver(store, table, operations, executor, sleeper, clock);
        this.clock = clock;
        this.type = RunType.named(NAME)
                .json(Job.class, Result.class)
                .step("image", this::image)
                .step("release", this::release)
                .step("survey", this::survey)
                .step("change", this::change)
                .finalizer("settle", this::settle)
                .build();
    }

    private Deploy deploy(StepContext<Job, Result> c) {
        String id = c.request().deploy();
        return table.find(id)
                .orElseThrow(() -> new Abort("deploy " + id + " is no longer on record: its app was deleted"));
    }

    /** Makes every image ready and pins it to its digest, before any machine is changed. */
    private Result image(StepContext<Job, Result> c) {
        Deploy deploy = deploy(c);
        List<Plan.Group> pinned = new ArrayList<>();
        for (Plan.Group group : deploy.plan().groups()) {
            var config = group.config().deepCopy();
            config.put("image", pin(c, deploy, group.image()));
            pinned.add(group.with(config));
        }
        store.change(deploy.id(), d -> d.with(d.plan().with(pinned)));
        return new Result("image ready");
    }

    private String pin(StepContext<Job, Result> c, Deploy deploy, String image) {
        try {
            return operations.pin(deploy, image);
        } catch (RejectedException e) {
            throw new Unrecoverable(Fault.USER, DeployDriver.text(e));
        } catch (RuntimeException e) {
            if (c.attempt() >= TRIES && !c.cancelled()) {
                throw new Unrecoverable(Fault.SYSTEM, String.valueOf(e.getMessage()));
            }
            throw e;
        }
    }

    /** Runs the release command before any machine is changed; a rollback does not undo what it did. */
    private Result release(StepContext<Job, Result> c) throws InterruptedException {
        Deploy deploy = deploy(c);
        if (deploy.plan().release().isPresent()) {
            try {
                operations.release(deploy);
            } catch (DeployOperations.MachineUnhealthy e) {
                throw new Unrecoverable(Fault.USER, String.valueOf(e.getMessage()));
            } catch (RejectedException e) {
                throw new Unrecoverable(Fault.USER, DeployDriver.text(e));
            } catch (FailedException e) {
                if (c.attempt() >= TRIES && !c.cancelled()) {
                    throw new Unrecoverable(Fault.SYSTEM, String.valueOf(e.getMessage()));
                }
                throw e;
            }
        }
        return new Result("released");
    }

    private Result survey(StepContext<Job, Result> c) throws InterruptedException {
        Deploy deploy = deploy(c);
        if (deploy.plan().release().isPresent()) {
            operations.destroyReleaseMachine(deploy, true);
        }
        if (deploy.state().isEmpty()) {
            List<ObservedMachine> existing = operations.survey(deploy.app());
            DeployState first;
            try {
                first = DeployPlanner.of(deploy.plan(), deploy.id(), existing);
            } catch (RejectedException e) {
                throw new Unrecoverable(Fault.USER, DeployDriver.text(e));
            }
            store.change(deploy.id(), d -> d.withState(first, clock.wall()));
        }
        return new Result("surveyed");
    }

    private Result change(StepContext<Job, Result> c) throws InterruptedException {
        DeployState end = driver.drive(deploy(c).id(), s -> s.stage().over() || s.stage() == DeployStage.ROLLING_BACK);
        if (end.stage() != DeployStage.DONE) {
            throw new Unrecoverable(Fault.USER, end.why());
        }
        return new Result(DeployStage.DONE.wire());
    }

    private void settle(StepContext<Job, Result> c, Outcome outcome) throws InterruptedException {
        var found = table.find(c.request().deploy());
        if (found.isEmpty() || found.get().status().over()) {
            return;
        }
        if (found.get().state().isEmpty()) {
            if (found.get().plan().release().isPresent()) {
                operations.destroyReleaseMachine(found.get(), false);
            }
            store.change(found.get().id(), d -> d.withFailure(why(outcome), clock.wall()));
            return;
        }
        driver.tell(found.get().id(), new DeployEvent.Halted(why(outcome)));
        driver.drive(found.get().id(), s -> s.stage().over());
    }

    /** The reason as shown to people; the run's record also has whose fault it was. */
    private static String why(Outcome outcome) {
        return outcome instanceof Outcome.Unrecoverable(Fault _, String message) ? message : outcome.detail();
    }
}
