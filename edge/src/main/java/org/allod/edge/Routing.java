package org.allod.edge;

import java.util.List;
import java.util.function.IntPredicate;
import org.allod.base.MachineId;
import org.allod.base.Rng;

/**
 * Chooses the machine for a request.
 *
 * <ol>
 *   <li>The least loaded running machine below its soft limit.
 *   <li>Else the least loaded one below its hard limit; and one that sleeps is woken beside it, unless one is coming up
 *       already.
 *   <li>Else one that is coming up or can be woken, and the request is held for it: one that is coming up and not yet
 *       promised to its soft limit before another is woken, a suspended one before a stopped one.
 *   <li>Else the request is held where waiting may help, and refused where it cannot.
 * </ol>
 *
 * Ties are broken at random, so that many hosts with the same picture do not all choose the same machine.
 */
final class Routing {
    private Routing() {}

    /**
     * @param tried machines that refused this very request's connection
     * @param rng breaks ties; the caller's own, since it is not shared between threads
     */
    static Choice choose(Fleet fleet, List<MachineId> tried, Rng rng) {
        if (fleet.size() == 0) {
            return new Choice.Refuse(Choice.Because.NO_MACHINES);
        }
        int soft = least(fleet, rng, i -> runs(fleet, i, tried) && underSoft(fleet, i));
        if (soft != Choice.NONE) {
            return new Choice.Send(soft, Choice.NONE);
        }
        int hard = least(fleet, rng, i -> runs(fleet, i, tried) && underHard(fleet, i));
        if (hard != Choice.NONE) {
            return new Choice.Send(hard, comesUp(fleet) ? Choice.NONE : sleeper(fleet, tried, rng));
        }
        int coming = least(fleet, rng, i -> rises(fleet, i, tried) && underSoft(fleet, i));
        if (coming == Choice.NONE) {
            coming = sleeper(fleet, tried, rng);
        }
        if (coming == Choice.NONE) {
            coming = least(fleet, rng, i -> rises(fleet, i, tried) && underHard(fleet, i));
        }
        return coming != Choice.NONE ? new Choice.Wake(coming) : neither(fleet, tried);
    }

    /** Why nothing can be done: the reason that a person can do most about first. */
    private static Choice neither(Fleet fleet, List<MachineId> tried) {
        boolean anyTried = any(fleet, i -> tried.contains(fleet.backend(i).id()));
        if (any(fleet, i -> (runs(fleet, i, tried) || rises(fleet, i, tried)) && !underHard(fleet, i))) {
            return new Choice.Hold(Choice.Because.FULL);
        }
        if (any(fleet, i -> inTransit(fleet, i))) {
            return new Choice.Hold(Choice.Because.IN_TRANSIT);
        }
        if (anyTried) {
            return new Choice.Refuse(Choice.Because.ALL_TRIED);
        }
        if (any(
                fleet,
                i -> is(fleet, i, Backend.State.RUNNING) && !fleet.backend(i).cordoned())) {
            return new Choice.Hold(Choice.Because.UNHEALTHY);
        }
        if (any(fleet, i -> asleep(fleet, i) && !fleet.backend(i).cordoned())) {
            return new Choice.Refuse(Choice.Because.NOT_STARTED);
        }
        return new Choice.Refuse(
                any(fleet, i -> !is(fleet, i, Backend.State.GONE)) ? Choice.Because.CORDONED : Choice.Because.GONE);
    }

    private static boolean runs(Fleet fleet, int i, List<MachineId> tried) {
        Backend backend = fleet.backend(i);
        return backend.takesTraffic() && !fleet.draining(i) && (tried.isEmpty() || !tried.contains(backend.id()));
    }

    /** On its way up, by our doing or another's. */
    private static boolean rises(Fleet fleet, int i, List<MachineId> tried) {
        Backend backend = fleet.backend(i);
        boolean started =
                backend.state() == Backend.State.STARTING && backend.service().autostart();
        boolean rising = started || (fleet.waking(i) && backend.wakes());
        return rising && !backend.cordoned() && !tried.contains(backend.id());
    }

    private static boolean comesUp(Fleet fleet) {
        return any(fleet, i -> is(fleet, i, Backend.State.STARTING) || fleet.waking(i));
    }

    /** A machine that can be woken and that nobody wakes yet; a suspended one first, because it is up sooner. */
    private static int sleeper(Fleet fleet, List<MachineId> tried, Rng rng) {
        IntPredicate wakes = i -> fleet.backend(i).wakes()
                && !fleet.waking(i)
                && !tried.contains(fleet.backend(i).id());
        int suspended = least(fleet, rng, i -> wakes.test(i) && is(fleet, i, Backend.State.SUSPENDED));
        return suspended != Choice.NONE ? suspended : least(fleet, rng, wakes);
    }

    /** Between states, so that waiting helps. A machine we drain is about to stop, and can be woken after. */
    private static boolean inTransit(Fleet fleet, int i) {
        Backend backend = fleet.backend(i);
        return switch (backend.state()) {
            case STARTING -> !backend.cordoned();
            case STOPPING -> backend.service().autostart() && !backend.cordoned();
            case RUNNING -> fleet.draining(i) && backend.service().autostart() && !backend.cordoned();
            case STOPPED, SUSPENDED, GONE -> false;
        };
    }

    private static boolean asleep(Fleet fleet, int i) {
        return is(fleet, i, Backend.State.STOPPED) || is(fleet, i, Backend.State.SUSPENDED);
    }

    private static boolean is(Fleet fleet, int i, Backend.State state) {
        return fleet.backend(i).state() == state;
    }

    private static boolean underSoft(Fleet fleet, int i) {
        return fleet.backend(i).service().underSoft(fleet.load(i));
    }

    private static boolean underHard(Fleet fleet, int i) {
        return fleet.backend(i).service().underHard(fleet.load(i));
    }

    private static boolean any(Fleet fleet, IntPredicate which) {
        for (int i = 0; i < fleet.size(); i++) {
            if (which.test(i)) {
                return true;
            }
        }
        return false;
    }

    /** The least loaded of those that qualify, each of several equal ones with the same chance; or none. */
    private static int least(Fleet fleet, Rng rng, IntPredicate qualifies) {
        int best = Choice.NONE;
        int bestLoad = Integer.MAX_VALUE;
        int equal = 0;
        for (int i = 0; i < fleet.size(); i++) {
            if (!qualifies.test(i)) {
                continue;
            }
            int load = fleet.load(i);
            if (load < bestLoad) {
                best = i;
                bestLoad = load;
                equal = 1;
            } else if (load == bestLoad && rng.nextInt(++equal) == 0) {
                best = i;
            }
        }
        return best;
    }
}
