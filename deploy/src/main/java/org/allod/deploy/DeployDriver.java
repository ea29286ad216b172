package org.allod.deploy;

import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.allod.base.Clock;
import org.allod.base.FailedException;
import org.allod.base.FatalErrors;
import org.allod.base.RejectedException;
import org.allod.fsm.Abort;
import org.allod.machine.Leases;
import org.allod.machine.Sleeper;

/**
 * Drives a deploy: begins the effects that are due, passes their results to {@link DeployReducer}, and makes each new
 * state durable before an effect of it begins. An effect that is no longer due is stopped before the next one on its
 * machine begins.
 */
final class DeployDriver {
    private static final System.Logger LOG = System.getLogger("allod.deploy");

    /** Attempts of one effect before it counts as failed. */
    private static final int TRIES = 3;

    private static final Duration BETWEEN = Duration.ofMillis(500);

    /**
     * How long effects that must not fail (a restore, a removal) wait for somebody's lease: longer than a lease can
     * last, since a machine left at a version that was rolled back is worse than a deploy that takes an hour.
     */
    static final Duration LONGEST_LEASE = Leases.MAX_TTL.plusMinutes(1);

    private final DeployStore store;
    private final DeployTable table;
    private final DeployOperations operations;
    private final EffectExecutor executor;
    private final Sleeper sleeper;
    private final Clock clock;

    DeployDriver(
            DeployStore store,
            DeployTable table,
            DeployOperations operations,
            EffectExecutor executor,
            Sleeper sleeper,
            Clock clock) {
        this.store = store;
        this.table = table;
        this.operations = operations;
        this.executor = executor;
        this.sleeper = sleeper;
        this.clock = clock;
    }

    /** What a task reports: an event, or an unexpected error, which ends the step. */
    private sealed interface Report {
        record Of(DeployEvent event) implements Report {}

        record Broken(Throwable why) implements Report {}
    }

    private record Task(SlotPhase phase, EffectExecutor.Work work) {}

    /** Drives the deploy until {@code enough} holds; returns the state then. */
    DeployState drive(String id, Predicate<DeployState> enough) throws InterruptedException {
        LinkedBlockingQueue<Report> inbox = new LinkedBlockingQueue<>();
        Map<Integer, Task> tasks = new HashMap<>();
        Deploy deploy = deploy(id);
        DeployState state = deploy.state().orElseThrow();
        try {
            while (!enough.test(state)) {
                execute(deploy, state, tasks, inbox);
                DeployEvent event = event(inbox.take());
                DeployState next = checked(deploy, state, DeployReducer.next(state, event));
                if (!next.equals(state)) {
                    deploy = saved(id, next);
                    state = next;
                }
            }
            return state;
        } finally {
            tasks.values().forEach(task -> task.work().stop());
        }
    }

    /** Before the deploy becomes irrevocable, checks that nobody else has changed its machines. */
    private DeployState checked(Deploy deploy, DeployState state, DeployState next) {
        boolean last =
                state.stage().revocable() && (next.stage() == DeployStage.RETIRING || next.stage() == DeployStage.DONE);
        return last
                ? operations
                        .findDrift(deploy, next)
                        .map(why -> DeployReducer.next(state, new DeployEvent.Halted(why)))
                        .orElse(next)
                : next;
    }

    /** Applies an event from outside; returns the state after it. */
    DeployState tell(String id, DeployEvent event) {
        DeployState state = deploy(id).state().orElseThrow();
        DeployState next = DeployReducer.next(state, event);
        return next.equals(state) ? state : saved(id, next).state().orElseThrow();
    }

    private Deploy saved(String id, DeployState next) {
        return store.change(id, d -> d.withState(next, clock.wall())).orElseThrow(() -> gone(id));
    }

    private Deploy deploy(String id) {
        return table.find(id).orElseThrow(() -> gone(id));
    }

    private static Abort gone(String id) {
        return new Abort("deploy " + id + " is no longer on record: its app was deleted");
    }

    /** Stops effects that are no longer due and begins those that are. */
    private void execute(
            Deploy deploy, DeployState state, Map<Integer, Task> tasks, LinkedBlockingQueue<Report> inbox) {
        tasks.entrySet().removeIf(entry -> {
            boolean over = state.slots().get(entry.getKey()).phase()
                    != entry.getValue().phase();
            if (over) {
                entry.getValue().work().stop();
            }
            return over;
        });
        for (DeployEffect effect : DeployReducer.due(state)) {
            Slot slot = state.slots().get(effect.slot());
            if (!tasks.containsKey(effect.slot())) {
                tasks.put(
                        effect.slot(),
                        new Task(
                                slot.phase(),
                                executor.begin(
                                        "deploy " + slot.name(),
                                        () -> inbox.add(report(deploy, slot, effect, inbox)))));
            }
        }
    }

    private static DeployEvent event(Report report) {
        return switch (report) {
            case Report.Of(DeployEvent event) -> event;
            case Report.Broken(Error error) -> throw error;
            case Report.Broken(RuntimeException e) -> throw e;
            case Report.Broken(Throwable e) ->
                throw new FailedException("a deploy's effect ended in an unknown way", e);
        };
    }

    // Whatever ends a task must be reported, or the deploy would wait for ever.
    private Report report(Deploy deploy, Slot slot, DeployEffect effect, LinkedBlockingQueue<Report> inbox) {
        try {
            return new Report.Of(attempt(deploy, slot, effect, waits -> inbox.add(new Report.Of(waits))));
        } catch (Throwable e) {
            FatalErrors.check(e);
            return new Report.Broken(e);
        }
    }

    private DeployEvent attempt(Deploy deploy, Slot slot, DeployEffect effect, Consumer<DeployEvent> tell)
            throws InterruptedException {
        long began = clock.monoNanos();
        long until = began + deploy.plan().waitTimeout().toNanos();
        long leased = began + lease(deploy, effect).toNanos();
        boolean told = false;
        int failures = 0;
        while (true) {
            try {
                return new DeployEvent.Done(effect.slot(), slot.phase(), operations.perform(deploy, slot, effect));
            } catch (DeployOperations.MachineGone e) {
                return new DeployEvent.Gone(effect.slot(), slot.phase());
            } catch (DeployOperations.Leased e) {
                if (clock.monoNanos() >= leased) {
                    return failed(slot, effect, String.valueOf(e.getMessage()));
                }
                // The time for other refusals begins once the lease is gone: it was not theirs to use up.
                until = clock.monoNanos() + deploy.plan().waitTimeout().toNanos();
                if (!told) {
                    told = true;
                    tell.accept(new DeployEvent.Waits(effect.slot(), slot.phase(), String.valueOf(e.getMessage())));
                }
            } catch (DeployOperations.MachineUnhealthy e) {
                return failed(slot, effect, String.valueOf(e.getMessage()));
            } catch (RejectedException e) {
                if (!passes(e) || clock.monoNanos() >= until) {
                    return failed(slot, effect, text(e));
                }
            } catch (FailedException e) {
                if (Thread.interrupted()) {
                    throw new InterruptedException();
                }
                LOG.log(Level.INFO, "deploy " + deploy.id() + ": " + slot.name() + ": " + e.getMessage());
                if (++failures >= TRIES) {
                    return failed(slot, effect, String.valueOf(e.getMessage()));
                }
            }
            sleeper.sleep(BETWEEN);
        }
    }

    private static Duration lease(Deploy deploy, DeployEffect effect) {
        Duration usual = deploy.plan().waitTimeout();
        boolean back = effect instanceof DeployEffect.Restore || effect instanceof DeployEffect.Remove;
        return back && usual.compareTo(LONGEST_LEASE) < 0 ? LONGEST_LEASE : usual;
    }

    private static DeployEvent failed(Slot slot, DeployEffect effect, String why) {
        return new DeployEvent.Failed(effect.slot(), slot.phase(), why);
    }

    /** Whether a refusal may pass with time: the machine is leased or busy, or capacity is short. */
    private static boolean passes(RejectedException e) {
        return switch (e.reason()) {
            case CONFLICT, CAPACITY, STALE, RATE_LIMITED, TIMEOUT -> true;
            case INVALID, UNAUTHENTICATED, FORBIDDEN, NOT_FOUND, NAME_TAKEN, TOO_LARGE, UNSUPPORTED -> false;
        };
    }

    static String text(RejectedException e) {
        return e.getMessage() + e.hint().map(hint -> " (" + hint + ")").orElse("");
    }
}
