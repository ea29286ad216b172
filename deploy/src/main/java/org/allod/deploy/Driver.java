package org.allod.deploy;

import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.allod.base.Clock;
import org.allod.base.Failed;
import org.allod.base.FatalErrors;
import org.allod.base.Rejected;
import org.allod.fsm.Abort;
import org.allod.machine.Leases;
import org.allod.machine.Pause;

/**
 * Carries a deploy on: has what is due begun, feeds what comes of it to {@link Deploying}, and makes each new state
 * durable before anything is begun because of it. Work that is no longer due is ended before the next on its machine.
 */
final class Driver {
    private static final System.Logger LOG = System.getLogger("allod.deploy");

    /** After this many failures of one effect the host is not going to do it. */
    private static final int TRIES = 3;

    private static final Duration BETWEEN = Duration.ofMillis(500);

    /**
     * What has no way back waits for a lease as long as one may last: a machine that is left at a version that was taken
     * back is worse than a deploy that takes an hour. Who holds it on and on is named.
     */
    static final Duration LONGEST_LEASE = Leases.MAX_TTL.plusMinutes(1);

    private final DeployBook book;
    private final DeployTable table;
    private final Hands hands;
    private final Crew crew;
    private final Pause pause;
    private final Clock clock;

    Driver(DeployBook book, DeployTable table, Hands hands, Crew crew, Pause pause, Clock clock) {
        this.book = book;
        this.table = table;
        this.hands = hands;
        this.crew = crew;
        this.pause = pause;
        this.clock = clock;
    }

    /** What a task reports: an event, or an error that is nobody's answer and ends the step. */
    private sealed interface Report {
        record Of(Event event) implements Report {}

        record Broken(Throwable why) implements Report {}
    }

    private record Task(Phase phase, Crew.Work work) {}

    /** Drives until {@code enough}; the state then. */
    DeployState drive(String id, Predicate<DeployState> enough) throws InterruptedException {
        LinkedBlockingQueue<Report> inbox = new LinkedBlockingQueue<>();
        Map<Integer, Task> tasks = new HashMap<>();
        Deploy deploy = deploy(id);
        DeployState state = deploy.state().orElseThrow();
        try {
            while (!enough.test(state)) {
                employ(deploy, state, tasks, inbox);
                Event event = event(inbox.take());
                DeployState next = checked(deploy, state, Deploying.next(state, event));
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

    /** Before there is no way back, all has to be as the deploy left it. */
    private DeployState checked(Deploy deploy, DeployState state, DeployState next) {
        boolean last = state.stage().revocable() && (next.stage() == Stage.RETIRING || next.stage() == Stage.DONE);
        return last
                ? hands.strayed(deploy, next)
                        .map(why -> Deploying.next(state, new Event.Halted(why)))
                        .orElse(next)
                : next;
    }

    /** Tells the deploy something from outside; the state then. */
    DeployState tell(String id, Event event) {
        DeployState state = deploy(id).state().orElseThrow();
        DeployState next = Deploying.next(state, event);
        return next.equals(state) ? state : saved(id, next).state().orElseThrow();
    }

    private Deploy saved(String id, DeployState next) {
        return book.change(id, d -> d.at(next, clock.wall())).orElseThrow(() -> gone(id));
    }

    private Deploy deploy(String id) {
        return table.find(id).orElseThrow(() -> gone(id));
    }

    private static Abort gone(String id) {
        return new Abort("deploy " + id + " is no longer on record: its app was deleted");
    }

    /** Ends what is no longer due, begins what is. */
    private void employ(Deploy deploy, DeployState state, Map<Integer, Task> tasks, LinkedBlockingQueue<Report> inbox) {
        tasks.entrySet().removeIf(entry -> {
            boolean over = state.slots().get(entry.getKey()).phase()
                    != entry.getValue().phase();
            if (over) {
                entry.getValue().work().stop();
            }
            return over;
        });
        for (Effect effect : Deploying.due(state)) {
            Slot slot = state.slots().get(effect.slot());
            if (!tasks.containsKey(effect.slot())) {
                tasks.put(
                        effect.slot(),
                        new Task(
                                slot.phase(),
                                crew.begin(
                                        "deploy " + slot.name(),
                                        () -> inbox.add(report(deploy, slot, effect, inbox)))));
            }
        }
    }

    private static Event event(Report report) {
        return switch (report) {
            case Report.Of(Event event) -> event;
            case Report.Broken(Error error) -> throw error;
            case Report.Broken(RuntimeException e) -> throw e;
            case Report.Broken(Throwable e) -> throw new Failed("a deploy's effect ended in an unknown way", e);
        };
    }

    // Whatever ends a task must reach the deploy, or it would wait for ever.
    private Report report(Deploy deploy, Slot slot, Effect effect, LinkedBlockingQueue<Report> inbox) {
        try {
            return new Report.Of(attempt(deploy, slot, effect, waits -> inbox.add(new Report.Of(waits))));
        } catch (Throwable e) {
            FatalErrors.check(e);
            return new Report.Broken(e);
        }
    }

    private Event attempt(Deploy deploy, Slot slot, Effect effect, Consumer<Event> tell) throws InterruptedException {
        long began = clock.monoNanos();
        long until = began + deploy.plan().waitTimeout().toNanos();
        long leased = began + lease(deploy, effect).toNanos();
        boolean told = false;
        for (int tries = 1; ; tries++) {
            try {
                return new Event.Done(effect.slot(), slot.phase(), hands.perform(deploy, slot, effect));
            } catch (Hands.Vanished e) {
                return new Event.Gone(effect.slot(), slot.phase());
            } catch (Hands.Leased e) {
                if (clock.monoNanos() >= leased) {
                    return failed(slot, effect, String.valueOf(e.getMessage()));
                }
                if (!told) {
                    told = true;
                    tell.accept(new Event.Waits(effect.slot(), slot.phase(), String.valueOf(e.getMessage())));
                }
            } catch (Hands.Unfit e) {
                return failed(slot, effect, String.valueOf(e.getMessage()));
            } catch (Rejected e) {
                if (!passes(e) || clock.monoNanos() >= until) {
                    return failed(slot, effect, text(e));
                }
            } catch (Failed e) {
                if (Thread.interrupted()) {
                    throw new InterruptedException();
                }
                LOG.log(Level.INFO, "deploy " + deploy.id() + ": " + slot.name() + ": " + e.getMessage());
                if (tries >= TRIES) {
                    return failed(slot, effect, String.valueOf(e.getMessage()));
                }
            }
            pause.of(BETWEEN);
        }
    }

    private static Duration lease(Deploy deploy, Effect effect) {
        Duration usual = deploy.plan().waitTimeout();
        boolean back = effect instanceof Effect.Restore || effect instanceof Effect.Remove;
        return back && usual.compareTo(LONGEST_LEASE) < 0 ? LONGEST_LEASE : usual;
    }

    private static Event failed(Slot slot, Effect effect, String why) {
        return new Event.Failed(effect.slot(), slot.phase(), why);
    }

    /** A machine that is leased or busy now may be free in a moment. */
    private static boolean passes(Rejected e) {
        return switch (e.reason()) {
            case CONFLICT, CAPACITY, STALE, RATE_LIMITED, TIMEOUT -> true;
            case INVALID, UNAUTHENTICATED, FORBIDDEN, NOT_FOUND, NAME_TAKEN, TOO_LARGE, UNSUPPORTED -> false;
        };
    }

    static String text(Rejected e) {
        return e.getMessage() + e.hint().map(hint -> " (" + hint + ")").orElse("");
    }
}
