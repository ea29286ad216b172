package org.allod.deploy;

import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.allod.base.Clock;
import org.allod.base.IdGenerator;
import org.allod.base.RejectedException;
import org.allod.base.Timers;
import org.allod.fsm.Engine;
import org.allod.fsm.RunId;
import org.allod.image.ImageStore;
import org.allod.machine.Actor;
import org.allod.machine.Machines;
import org.allod.machine.Sleeper;
import org.allod.machine.StrictJsonReader;
import org.allod.store.Database;

/**
 * The deploys of this host: the facade of the room. A deploy that {@link #start} returns is durable and will either
 * complete or be rolled back. At most one deploy of an app is under way.
 *
 * <p>Thread rule: safe from any thread; methods that write block until the write is durable.
 */
public final class DeployService {
    /** How many earlier deploys of an app keep their images for a rollback. */
    private static final int BACK = 3;

    /** How long a start waits for the run of a deploy that is over; normally that takes one flush. */
    private static final Duration WIND_UP = Duration.ofSeconds(10);

    private final Machines machines;
    private final Engine engine;
    private final DeployTable table;
    private final DeployStore store;
    private final DeployRun run;
    private final Clock clock;
    private final IdGenerator ids;

    private DeployService(
            Machines machines,
            Engine engine,
            DeployTable table,
            DeployStore store,
            DeployRun run,
            Clock clock,
            IdGenerator ids) {
        this.machines = machines;
        this.engine = engine;
        this.table = table;
        this.store = store;
        this.run = run;
        this.clock = clock;
        this.ids = ids;
    }

    /** Builds the room and registers its run type. Call before the engine resumes. */
    public static DeployService build(
            Database database,
            Engine engine,
            Machines machines,
            ImageStore images,
            Clock clock,
            Timers timers,
            IdGenerator ids) {
        DeployTable table = new DeployTable(database);
        DeployStore store = new DeployStore(table);
        Sleeper sleeper = Sleeper.on(timers);
        DeployRun run = new DeployRun(
                table,
                store,
                new MachineDeployOperations(machines, images, sleeper, clock),
                EffectExecutor.threads(),
                sleeper,
                clock);
        engine.register(run.type);
        machines.atAppEnd((tx, app) -> tx.update("DELETE FROM deploy WHERE app = ?", app));
        return new DeployService(machines, engine, table, store, run, clock, ids);
    }

    /**
     * After the engine has resumed, and before anybody can ask for a deploy: what an earlier daemon put on record for a
     * run that never was.
     *
     * @return forgets it; may be done again, and while deploys begin, since it looks at none of these
     */
    public Runnable recovery() {
        List<Deploy> unbegun = table.open().stream()
                .filter(deploy -> active(deploy.app()).isEmpty())
                .toList();
        return () -> unbegun.forEach(deploy -> table.erase(deploy.id()));
    }

    /** Reads the plan from the body of a request. */
    public static Plan read(StrictJsonReader body) {
        return PlanReader.read(body);
    }

    /**
     * Starts a deploy.
     *
     * @param by the caller, whose rights the plan gets
     * @throws RejectedException if another deploy of the app is under way
     */
    public Deploy start(String app, Plan wanted, Actor.Client by) {
        machines.app(app);
        Plan plan = wanted.by(by.tenant());
        plan.groups().forEach(group -> machines.checkTenant(app, group.config(), by));
        // It may wait for the run before to wind up: never under the lock that keeps the app from being deleted.
        refuseSecond(app);
        try {
            return machines.within(app, () -> begin(app, plan, by));
        } catch (RuntimeException e) {
            refuseSecond(app);
            throw e;
        }
    }

    private Deploy begin(String app, Plan plan, Actor.Client by) {
        Deploy deploy = table.add(ids.ulid().toString(), app, by.name(), plan, clock.wall());
        try {
            engine.start(run.type, app, new DeployRun.Job(app, deploy.id()));
            return deploy;
        } catch (RuntimeException e) {
            table.erase(deploy.id());
            throw e;
        }
    }

    /** Refuses a second deploy while one is under way; waits if the deploy is over and only its run is not. */
    private void refuseSecond(String app) {
        Optional<RunId> first = active(app);
        if (first.isEmpty()) {
            return;
        }
        Optional<Deploy> open =
                table.open().stream().filter(d -> d.app().equals(app)).findFirst();
        if (open.isEmpty()) {
            var _ = engine.await(first.get(), WIND_UP);
            return;
        }
        Deploy other = open.get();
        throw RejectedException.because(
                RejectedException.Reason.CONFLICT,
                "app %s is being deployed already: deploy %d (%s), asked for by %s at %s, is %s"
                        .formatted(
                                app,
                                other.number(),
                                other.id(),
                                other.source(),
                                other.created(),
                                other.status().wire()),
                "`allod deploy show -f %d --app %s` follows it, `allod deploy cancel --app %s` takes it back"
                        .formatted(other.number(), app, app));
    }

    private Optional<RunId> active(String app) {
        return engine.activeRun(run.type, app);
    }

    /**
     * Starts a new deploy with the plan of an earlier one.
     *
     * @param to the earlier deploy; empty for the one before the present version
     */
    public Deploy rollback(String app, Optional<String> to, Actor.Client by) {
        machines.app(app);
        refuseSecond(app);
        List<Deploy> done = table.list(app, DeployTable.KEPT).stream()
                .filter(d -> d.status() == DeployStatus.DONE)
                .toList();
        Deploy target = to.map(text -> get(app, text))
                .or(() -> done.stream().skip(1).findFirst())
                .orElseThrow(() -> RejectedException.because(
                        RejectedException.Reason.CONFLICT,
                        "app %s has no earlier deploy to go back to".formatted(app),
                        "`allod deploy list --app " + app + "` shows what there is"));
        if (target.status() != DeployStatus.DONE) {
            throw RejectedException.because(
                    RejectedException.Reason.CONFLICT,
                    "deploy %d of app %s is %s: only one that was carried out can be gone back to"
                            .formatted(target.number(), app, target.status().wire()),
                    "`allod deploy list --app " + app + "` shows which were");
        }
        return start(app, target.plan().unreleased(), by);
    }

    /** Rolls a deploy that is under way back. Returns once the cancellation is durable. */
    public Deploy cancel(String app, String which, String cause) {
        Deploy deploy = get(app, which);
        boolean late = deploy.state().filter(s -> !s.stage().revocable()).isPresent();
        Optional<RunId> active = active(app);
        if (deploy.status().over() || late || active.isEmpty()) {
            throw RejectedException.because(
                    RejectedException.Reason.CONFLICT,
                    "deploy %d of app %s is %s: it cannot be cancelled any more"
                            .formatted(deploy.number(), app, deploy.status().wire()),
                    "`allod deploy rollback --app " + app + "` goes back to the version before");
        }
        engine.cancel(active.get(), cause);
        return get(app, deploy.id());
    }

    /** The deploy with this id or this number. */
    public Deploy get(String app, String which) {
        machines.app(app);
        Optional<Deploy> found = which.matches("\\d{1,9}")
                ? table.list(app, DeployTable.KEPT + 1).stream()
                        .filter(d -> d.number() == Integer.parseInt(which))
                        .findFirst()
                : table.find(which).filter(d -> d.app().equals(app));
        return found.orElseThrow(() -> RejectedException.because(
                RejectedException.Reason.NOT_FOUND,
                "there is no deploy " + which + " of app " + app,
                "`allod deploy list --app %s` shows the last %d".formatted(app, DeployTable.KEPT)));
    }

    /** The app's deploys, youngest first. */
    public List<Deploy> list(String app) {
        machines.app(app);
        return table.list(app, DeployTable.KEPT + 1);
    }

    /** Waits until the deploy has changed since {@code revision} or {@code timeout} has passed; returns it then. */
    public Optional<Deploy> after(Deploy deploy, long revision, Duration timeout) throws InterruptedException {
        return store.after(deploy.id(), revision, timeout);
    }

    /** The digests of images that a rollback may need. */
    public Set<String> imagesInUse() {
        Set<String> digests = new HashSet<>();
        machines.apps().forEach(app -> {
            List<Deploy> all = table.list(app.name(), DeployTable.KEPT + 1);
            all.stream().filter(d -> !d.status().over()).forEach(d -> digests(d.plan(), digests));
            all.stream()
                    .filter(d -> d.status() == DeployStatus.DONE)
                    .limit(BACK)
                    .forEach(d -> digests(d.plan(), digests));
        });
        return digests;
    }

    private static void digests(Plan plan, Set<String> into) {
        for (Plan.Group group : plan.groups()) {
            int at = group.image().indexOf('@');
            if (at >= 0) {
                into.add(group.image().substring(at + 1));
            }
        }
    }
}
