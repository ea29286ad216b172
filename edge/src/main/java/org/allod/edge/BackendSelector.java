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
 *   <li>Else the least loaded one below its hard limit; a sleeping machine is woken as well, unless another is already
 *       coming up.
 *   <li>Else a machine that is coming up or can be woken, and the request is held for it: first one that is coming up
 *       and whose promised load is below its soft limit, then one to wake, a suspended one before a stopped one.
 *   <li>Else the request is held if waiting can help, and refused if it cannot.
 * </ol>
 *
 * Pure. Ties are broken at random, so that hosts with the same view of the backends do not all choose the same machine.
 */
final class BackendSelector {
    private BackendSelector() {}

    /**
     * @param tried machines that refused a connection for this request
     * @param rng breaks ties; the caller's own, because an {@code Rng} is not shared between threads
     */
    static RoutingDecision choose(BackendSet backends, List<MachineId> tried, Rng rng) {
        if (backends.size() == 0) {
            return new RoutingDecision.Refuse(RoutingDecision.Because.NO_MACHINES);
        }
        int soft = least(backends, rng, i -> runs(backends, i, tried) && underSoft(backends, i));
        if (soft != RoutingDecision.NONE) {
            return new RoutingDecision.Send(soft, RoutingDecision.NONE);
        }
        int hard = least(backends, rng, i -> runs(backends, i, tried) && underHard(backends, i));
        if (hard != RoutingDecision.NONE) {
            return new RoutingDecision.Send(
                    hard, comesUp(backends) ? RoutingDecision.NONE : sleeper(backends, tried, rng));
        }
        int coming = least(backends, rng, i -> isComingUp(backends, i, tried) && underSoft(backends, i));
        if (coming == RoutingDecision.NONE) {
            coming = sleeper(backends, tried, rng);
        }
        if (coming == RoutingDecision.NONE) {
            coming = least(backends, rng, i -> isComingUp(backends, i, tried) && underHard(backends, i));
        }
        return coming != RoutingDecision.NONE ? new RoutingDecision.Wake(coming) : unavailableReason(backends, tried);
    }

    /** Why no machine can be chosen: first the reason that the operator can do most about. */
    private static RoutingDecision unavailableReason(BackendSet backends, List<MachineId> tried) {
        boolean anyTried = any(backends, i -> tried.contains(backends.backend(i).id()));
        if (any(
                backends,
                i -> (runs(backends, i, tried) || isComingUp(backends, i, tried)) && !underHard(backends, i))) {
            return new RoutingDecision.Hold(RoutingDecision.Because.FULL);
        }
        if (any(backends, i -> inTransit(backends, i))) {
            return new RoutingDecision.Hold(RoutingDecision.Because.IN_TRANSIT);
        }
        if (anyTried) {
            return new RoutingDecision.Refuse(RoutingDecision.Because.ALL_TRIED);
        }
        if (any(
                backends,
                i -> hasState(backends, i, Backend.State.RUNNING)
                        && !backends.backend(i).cordoned())) {
            return new RoutingDecision.Hold(RoutingDecision.Because.UNHEALTHY);
        }
        if (any(backends, i -> asleep(backends, i) && !backends.backend(i).cordoned())) {
            return new RoutingDecision.Refuse(RoutingDecision.Because.NOT_STARTED);
        }
        return new RoutingDecision.Refuse(
                any(backends, i -> !hasState(backends, i, Backend.State.GONE))
                        ? RoutingDecision.Because.CORDONED
                        : RoutingDecision.Because.GONE);
    }

    private static boolean runs(BackendSet backends, int i, List<MachineId> tried) {
        Backend backend = backends.backend(i);
        return backend.takesTraffic() && !backends.draining(i) && (tried.isEmpty() || !tried.contains(backend.id()));
    }

    /** Coming up, whether the edge or somebody else started it. */
    private static boolean isComingUp(BackendSet backends, int i, List<MachineId> tried) {
        Backend backend = backends.backend(i);
        boolean started =
                backend.state() == Backend.State.STARTING && backend.service().autostart();
        boolean rising = started || (backends.waking(i) && backend.canWake());
        return rising && !backend.cordoned() && !tried.contains(backend.id());
    }

    private static boolean comesUp(BackendSet backends) {
        return any(backends, i -> hasState(backends, i, Backend.State.STARTING) || backends.waking(i));
    }

    /** A machine that can be woken and is not being woken yet; a suspended one first, because it comes up sooner. */
    private static int sleeper(BackendSet backends, List<MachineId> tried, Rng rng) {
        IntPredicate wakes = i -> backends.backend(i).canWake()
                && !backends.waking(i)
                && !tried.contains(backends.backend(i).id());
        int suspended = least(backends, rng, i -> wakes.test(i) && hasState(backends, i, Backend.State.SUSPENDED));
        return suspended != RoutingDecision.NONE ? suspended : least(backends, rng, wakes);
    }

    /**
     * Between states, so that waiting helps. A machine that the edge drains is about to stop and can be woken
     * afterwards.
     */
    private static boolean inTransit(BackendSet backends, int i) {
        Backend backend = backends.backend(i);
        return switch (backend.state()) {
            case STARTING -> !backend.cordoned();
            case STOPPING -> backend.service().autostart() && !backend.cordoned();
            case RUNNING -> backends.draining(i) && backend.service().autostart() && !backend.cordoned();
            case STOPPED, SUSPENDED, GONE -> false;
        };
    }

    private static boolean asleep(BackendSet backends, int i) {
        return hasState(backends, i, Backend.State.STOPPED) || hasState(backends, i, Backend.State.SUSPENDED);
    }

    private static boolean hasState(BackendSet backends, int i, Backend.State state) {
        return backends.backend(i).state() == state;
    }

    private static boolean underSoft(BackendSet backends, int i) {
        return backends.backend(i).service().underSoft(backends.load(i));
    }

    private static boolean underHard(BackendSet backends, int i) {
        return backends.backend(i).service().underHard(backends.load(i));
    }

    private static boolean any(BackendSet backends, IntPredicate which) {
        for (int i = 0; i < backends.size(); i++) {
            if (which.test(i)) {
                return true;
            }
        }
        return false;
    }

    /** The least loaded backend that qualifies, with ties broken evenly at random; {@code NONE} if none qualifies. */
    private static int least(BackendSet backends, Rng rng, IntPredicate qualifies) {
        int best = RoutingDecision.NONE;
        int bestLoad = Integer.MAX_VALUE;
        int equal = 0;
        for (int i = 0; i < backends.size(); i++) {
            if (!qualifies.test(i)) {
                continue;
            }
            int load = backends.load(i);
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
