package org.allod.edge;

import java.util.ArrayList;
import java.util.List;
import org.allod.base.MachineId;
import org.jspecify.annotations.Nullable;

/**
 * Finds one request a connection to a machine: asks {@link Routing}, takes a place in the machine's load, dials or
 * takes a free connection, tries another machine where one refuses, and keeps the request in the {@link HoldRoom}
 * while a machine comes up. Ends in exactly one of {@link Seeker#placed}, {@link Seeker#fail} and {@link #cancel}.
 * Belongs to one loop.
 */
final class Placement {
    /** Different machines that one request knocks at before it settles on the last. */
    private static final int MAX_TRIED = 3;
    /** Times another request may take the place that was just chosen, before this one queues up instead. */
    private static final int MAX_RACES = 4;

    private final Seeker seeker;
    private final Client client;
    private final Loop loop;
    private final String app;
    private List<MachineId> tried = List.of();

    private @Nullable Route route;
    /** The machine whose load this request is part of. */
    private @Nullable Live live;

    private @Nullable Backend backend;
    private Woken.@Nullable Down lastDown;
    private @Nullable Throwable lastRefusal;

    private Wakes.@Nullable Wake wake;
    private boolean waiting;
    private boolean over;
    private @Nullable HoldRoom room;
    private int heldBytes;
    /** Why it waits, for the answer where it waits in vain. */
    private Choice.Because because = Choice.Because.IN_TRANSIT;

    /**
     * @param app the route's name, for messages
     */
    Placement(Seeker seeker, String app) {
        this.seeker = seeker;
        this.client = seeker.client();
        this.loop = client.loop;
        this.app = app;
    }

    /** What the app says of this port; the usual before a route is found. */
    HttpOptions options() {
        return route == null ? HttpOptions.USUAL : route.app().http();
    }

    void start() {
        Route found = seeker.route();
        if (found == null) {
            fail(new Answer(
                    Problem.UNKNOWN_HOST,
                    "no app is named \"" + app + "\"",
                    "See what there is with: allod machine list"));
            return;
        }
        route = found;
        if (loop.closing()) {
            fail(new Answer(Problem.SHUTTING_DOWN, "this edge is going down"));
            return;
        }
        if (pinned(found)) {
            return;
        }
        for (int race = 0; race < MAX_RACES; race++) {
            switch (Routing.choose(found, tried, loop.rng)) {
                case Choice.Send send -> {
                    if (take(found, send.index())) {
                        alsoWake(found, send.alsoWake());
                        connect();
                        return;
                    }
                }
                case Choice.Wake wake -> {
                    if (take(found, wake.index())) {
                        awaitMachine(true);
                        return;
                    }
                }
                case Choice.Hold hold -> {
                    if (awaitChange(hold.because())) {
                        return;
                    }
                }
                case Choice.Refuse refuse -> {
                    refuse(found, refuse.because());
                    return;
                }
            }
        }
        if (!awaitChange(Choice.Because.FULL)) {
            awaitChange(Choice.Because.FULL);
        }
    }

    /** Something changed while it waited. */
    void changed() {
        if (waiting && !over) {
            start();
        }
    }

    /** The client sent more while it waits. */
    void grew(int bytes) {
        HoldRoom in = room;
        if (in != null && bytes > heldBytes) {
            if (!in.grow(bytes - heldBytes)) {
                seeker.pause();
            }
            heldBytes = bytes;
        }
    }

    /** It waited long enough. */
    void expired() {
        Live of = live;
        Answer answer = switch (because) {
            case FULL ->
                new Answer(
                        Problem.AT_CAPACITY,
                        "every machine of app \"" + app + "\" is at its hard limit, and none became free in time",
                        "Add machines, or raise hard_limit");
            case UNHEALTHY ->
                new Answer(
                        Problem.UNHEALTHY,
                        "machines of app \"" + app + "\" run, but none passes its health checks",
                        "See why with: allod machine list, and allod machine logs MACHINE");
            default ->
                new Answer(
                        Problem.STILL_STARTING,
                        (of == null ? "the machines of app \"" + app + "\" are" : "machine " + of.id + " is")
                                + " still not up after "
                                + Wakes.seconds(loop.shared.config().times().hold()) + " s",
                        "See what it does with: allod fsm list");
        };
        fail(answer);
    }

    /** Gives everything back; nothing more is heard of it. */
    void cancel() {
        over = true;
        Wakes.Wake left = wake;
        if (left != null) {
            wake = null;
            left.leave();
        }
        unwait();
        leaveRoom();
        release();
    }

    /** The request is over: its machine has room for another. */
    void release() {
        Live held = live;
        Backend of = backend;
        if (held == null || of == null) {
            return;
        }
        live = null;
        if (of.service().concurrency() == Service.Concurrency.REQUESTS) {
            held.release(loop.now());
            loop.shared.nudgeAll();
        }
    }

    /** Opens a new connection to the same machine, because a kept one turned out to be closed. */
    void again() {
        loop.shared.metrics().retries.increment();
        dial();
    }

    private boolean pinned(Route found) {
        Live pin = client.pinned();
        if (pin == null) {
            return false;
        }
        int index = found.lives().indexOf(pin);
        boolean usable = index >= 0
                && found.backend(index).takesTraffic()
                && found.backend(index).service().concurrency() == Service.Concurrency.CONNECTIONS
                && !pin.draining()
                && !tried.contains(pin.id);
        if (!usable) {
            client.unpin();
            return false;
        }
        take(found, index);
        connect();
        return true;
    }

    /** Makes this request part of the machine's load. */
    private boolean take(Route found, int index) {
        Live chosen = found.lives().get(index);
        Backend picture = found.backend(index);
        boolean taken = picture.service().concurrency() == Service.Concurrency.REQUESTS
                ? chosen.acquire(picture.service())
                : client.pin(chosen, picture.service());
        if (taken) {
            live = chosen;
            backend = picture;
            unwait();
        }
        return taken;
    }

    private void alsoWake(Route found, int index) {
        if (index != Choice.NONE) {
            var _ = loop.shared.wakes().wake(found.lives().get(index), found.backend(index), loop, true);
        }
    }

    private void connect() {
        Upstream free = theLive().pool(loop.index).take();
        if (free != null) {
            place(free);
        } else {
            dial();
        }
    }

    private void dial() {
        seeker.deadline(Client.NEVER);
        int timeout = (int) loop.shared.config().times().connect().toMillis();
        loop.dial(theLive(), theBackend().address(), timeout, this::dialled);
    }

    private void dialled(@Nullable Upstream upstream, @Nullable Throwable refused) {
        if (over) {
            if (upstream != null) {
                upstream.toPool();
            }
        } else if (upstream != null) {
            place(upstream);
        } else {
            lastRefusal = refused;
            another();
        }
    }

    /** This machine did not take it, and nothing was sent: the next one may. */
    private void another() {
        loop.shared.metrics().retries.increment();
        Live refused = theLive();
        List<MachineId> more = new ArrayList<>(tried);
        more.add(refused.id);
        tried = more;
        if (tried.size() >= MAX_TRIED) {
            allTried();
            return;
        }
        giveUp();
        start();
    }

    /**
     * Every machine refused. Where the last was not given time yet, its process may just not listen yet: so it gets
     * that time, once.
     */
    private void allTried() {
        Woken.Down down = lastDown;
        if (down != null) {
            fail(new Answer(down.problem(), down.why(), hint(down.problem())));
        } else {
            awaitMachine(theBackend().service().autostart());
        }
    }

    private void giveUp() {
        Live refused = theLive();
        if (theBackend().service().concurrency() == Service.Concurrency.CONNECTIONS) {
            client.unpin();
            live = null;
        } else {
            release();
        }
        lastTried = refused;
    }

    private @Nullable Live lastTried;

    private void refuse(Route found, Choice.Because why) {
        switch (why) {
            case ALL_TRIED -> {
                int index = lastTried == null ? -1 : found.lives().indexOf(lastTried);
                if (index >= 0 && take(found, index)) {
                    allTried();
                } else if (lastDown != null) {
                    fail(new Answer(lastDown.problem(), lastDown.why(), hint(lastDown.problem())));
                } else {
                    fail(unreachable());
                }
            }
            case NO_MACHINES ->
                fail(new Answer(
                        Problem.NO_MACHINES,
                        "app \"" + app + "\" has no machines",
                        "Run one with: allod machine run IMAGE --app " + app));
            case NOT_STARTED ->
                fail(new Answer(
                        Problem.NOT_STARTED,
                        "no machine of app \"" + app + "\" runs, and autostart is off",
                        "Start one with: allod machine start MACHINE"));
            case CORDONED ->
                fail(new Answer(
                        Problem.CORDONED,
                        "every machine of app \"" + app + "\" is cordoned",
                        "Let one take traffic again with: allod machine uncordon MACHINE"));
            case GONE, FULL, IN_TRANSIT, UNHEALTHY ->
                fail(new Answer(
                        Problem.MACHINE_GONE,
                        "the machines of app \"" + app + "\" have failed or are being destroyed",
                        "See which with: allod machine list"));
        }
    }

    private Answer unreachable() {
        Throwable why = lastRefusal;
        return new Answer(
                Problem.UNREACHABLE,
                "no machine of app \"" + app + "\" takes connections"
                        + (why == null ? "" : " (" + why.getClass().getSimpleName() + ")"));
    }

    static String hint(Problem problem) {
        return switch (problem) {
            case PORT_CLOSED ->
                "Its process must listen on that port on every address (0.0.0.0, or :: for IPv6), not only on"
                        + " 127.0.0.1; see what it does with: allod machine logs MACHINE";
            case WAKE_FAILED -> "See what happened with: allod fsm list";
            case UNREACHABLE -> "See whether it hangs with: allod machine logs MACHINE";
            default -> "";
        };
    }

    /** Waits in the hold room for this machine to come up, or only for its port. */
    private void awaitMachine(boolean ask) {
        because = Choice.Because.IN_TRANSIT;
        if (!enterRoom()) {
            return;
        }
        Live of = theLive();
        Wakes.Wake joined = loop.shared.wakes().wake(of, theBackend(), loop, ask);
        wake = joined;
        var _ = joined.result().whenComplete((woken, never) -> {
            if (loop.mine()) {
                woken(of, woken);
            } else {
                loop.execute(() -> woken(of, woken));
            }
        });
    }

    private void woken(Live of, Woken woken) {
        if (over || live != of) {
            return;
        }
        wake = null;
        switch (woken) {
            case Woken.Up up -> {
                backend = up.backend();
                connect();
            }
            case Woken.Down down -> {
                lastDown = down;
                another();
            }
        }
    }

    /** Waits in the hold room until {@link #changed}. False the first time: look again, now that it is counted. */
    private boolean awaitChange(Choice.Because why) {
        because = why;
        if (waiting) {
            return true;
        }
        if (!enterRoom()) {
            return true;
        }
        waiting = true;
        loop.await(this);
        return false;
    }

    private void unwait() {
        if (waiting) {
            waiting = false;
            loop.forget(this);
        }
    }

    private boolean enterRoom() {
        if (room != null) {
            return true;
        }
        HoldRoom entered = java.util.Objects.requireNonNull(route).room();
        int bytes = seeker.heldBytes();
        if (!entered.enter(bytes)) {
            fail(new Answer(
                    Problem.TOO_MANY_WAITING,
                    "app \"" + app + "\" already has as many requests waiting for a machine as it may"));
            return false;
        }
        room = entered;
        heldBytes = bytes;
        Metrics metrics = loop.shared.metrics();
        metrics.held.increment();
        metrics.heldNow.incrementAndGet();
        seeker.deadline(loop.now() + loop.shared.config().times().hold().toNanos());
        return true;
    }

    private void leaveRoom() {
        HoldRoom left = room;
        if (left != null) {
            room = null;
            left.leave(heldBytes);
            loop.shared.metrics().heldNow.decrementAndGet();
        }
    }

    private void place(Upstream upstream) {
        unwait();
        leaveRoom();
        seeker.placed(upstream);
    }

    private void fail(Answer answer) {
        cancel();
        seeker.fail(answer);
    }

    private Live theLive() {
        return java.util.Objects.requireNonNull(live);
    }

    private Backend theBackend() {
        return java.util.Objects.requireNonNull(backend);
    }
}
