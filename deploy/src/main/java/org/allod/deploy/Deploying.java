package org.allod.deploy;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;

/**
 * Decides what a deploy does next: a pure function from a state and an event to the next state, and from a state to the
 * effects that are due in it.
 *
 * <p>Forward, machines of a group are begun as the group's window allows; blue-green begins all fresh ones, and when all
 * are held switches traffic over. When all serve, what is no longer wanted is destroyed: from there on there is no way
 * back. Before, the first failure turns the whole deploy round: machines that were changed are restored, those that
 * are down at once and those that serve as the window allows, so that a roll-back takes no more machines away than the
 * deploy did; then those the deploy made are destroyed.
 */
final class Deploying {
    /** What a slot's note begins with while it waits for something that will pass. */
    static final String WAITS = "waits: ";

    /** Machines of one group begun at once where nothing else bounds it: each pulls at the host's two or more cores. */
    static final int AT_ONCE = 8;

    private Deploying() {}

    /** The state after an event; the same state where the event answers nothing that is due. */
    static DeployState next(DeployState state, Event event) {
        return settled(
                switch (event) {
                    case Event.Done(int i, Phase phase, String machine) ->
                        due(state, i, phase) ? done(state, i, machine) : state;
                    case Event.Failed(int i, Phase phase, String why) ->
                        due(state, i, phase) ? failed(state, i, why) : state;
                    case Event.Waits(int i, Phase phase, String why) ->
                        due(state, i, phase)
                                ? state.with(i, state.slots().get(i).at(phase, WAITS + why))
                                : state;
                    case Event.Gone(int i, Phase phase) -> due(state, i, phase) ? gone(state, i) : state;
                    case Event.Halted(String why) -> state.stage().revocable() ? state.back(why) : state;
                });
    }

    /** The effects that are due: begun now, or begun before and not over. */
    static List<Effect> due(DeployState state) {
        List<Effect> due = new ArrayList<>();
        for (int i = 0; i < state.slots().size(); i++) {
            due(state, i).ifPresent(due::add);
        }
        return due;
    }

    static Optional<Effect> due(DeployState state, int i) {
        Slot slot = state.slots().get(i);
        boolean blueGreen = state.strategy() == Strategy.BLUE_GREEN;
        return Optional.ofNullable(
                switch (slot.phase()) {
                    case CHANGING -> new Effect.Change(i, slot.prove(), blueGreen);
                    case PROVING -> new Effect.Prove(i, state.strategy() != Strategy.IMMEDIATE);
                    case RESTING -> new Effect.Rest(i);
                    case OPENING -> new Effect.Open(i);
                    case CLOSING -> new Effect.Close(i);
                    case REMOVING -> new Effect.Remove(i);
                    case RESTORING -> new Effect.Restore(i);
                    case IDLE, HELD, SERVING, CLOSED, GONE, RESTORED, STUCK -> null;
                });
    }

    private static boolean due(DeployState state, int i, Phase phase) {
        return state.slots().get(i).phase() == phase && phase.active();
    }

    private static DeployState done(DeployState state, int i, String machine) {
        Slot found = state.slots().get(i).is(machine);
        Slot slot = found.note().startsWith(WAITS) ? found.at(found.phase(), "") : found;
        boolean held = state.strategy() == Strategy.BLUE_GREEN;
        Phase next = switch (slot.phase()) {
            case CHANGING -> slot.prove() ? Phase.PROVING : Phase.SERVING;
            case PROVING -> held ? Phase.HELD : slot.runs() ? Phase.SERVING : Phase.RESTING;
            case RESTING, OPENING -> Phase.SERVING;
            case CLOSING -> Phase.CLOSED;
            case REMOVING -> Phase.GONE;
            case RESTORING -> Phase.RESTORED;
            case IDLE, HELD, SERVING, CLOSED, GONE, RESTORED, STUCK -> slot.phase();
        };
        return state.with(i, slot.at(next));
    }

    private static DeployState failed(DeployState state, int i, String why) {
        Slot slot = state.slots().get(i);
        if (!state.stage().revocable()) {
            return state.with(i, slot.at(Phase.STUCK, why));
        }
        return state.with(i, slot.at(slot.phase(), why)).back("machine " + slot.name() + " " + why);
    }

    private static DeployState gone(DeployState state, int i) {
        Slot slot = state.slots().get(i);
        DeployState without = state.with(i, slot.at(Phase.GONE, "destroyed by somebody else"));
        // One that was there before is its owner's to destroy; one we made we still need.
        return slot.role().made() && state.stage().revocable()
                ? without.back("machine " + slot.name() + " was destroyed by somebody else")
                : without;
    }

    /** Moves everything that needs no event to move. */
    private static DeployState settled(DeployState state) {
        DeployState now = state;
        while (true) {
            DeployState next = switch (now.stage()) {
                case FORWARD -> forward(now);
                case CUTOVER -> cutover(now);
                case RETIRING -> retiring(now);
                case ROLLING_BACK -> rollingBack(now);
                case DONE, ROLLED_BACK -> now;
            };
            if (next.equals(now)) {
                return now;
            }
            now = next;
        }
    }

    /** The state a survey's findings begin with. */
    static DeployState begin(DeployState surveyed) {
        return settled(surveyed);
    }

    // --- forward

    private static DeployState forward(DeployState state) {
        boolean blueGreen = state.strategy() == Strategy.BLUE_GREEN;
        boolean all = all(
                state,
                s -> !s.role().moves()
                        || s.phase() == (blueGreen ? Phase.HELD : Phase.SERVING)
                        || (s.phase() == Phase.GONE && !s.role().made()));
        if (all) {
            return state.at(blueGreen ? Stage.CUTOVER : Stage.RETIRING);
        }
        for (int i = 0; i < state.slots().size(); i++) {
            Slot slot = state.slots().get(i);
            if (slot.phase() == Phase.IDLE && slot.role().moves() && mayBegin(state, slot)) {
                return state.with(i, slot.at(Phase.CHANGING));
            }
        }
        return state;
    }

    private static boolean mayBegin(DeployState state, Slot slot) {
        boolean behindCanary = slot.role() != Role.CANARY
                && any(
                        state,
                        s -> s.role() == Role.CANARY && s.group().equals(slot.group()) && s.phase() != Phase.SERVING);
        if (behindCanary) {
            return false;
        }
        long onTheWay = count(
                state,
                s -> s.group().equals(slot.group())
                        && s.role() == slot.role()
                        && s.phase().changing());
        int window = slot.role() == Role.UPDATE ? window(state, slot.group()) : AT_ONCE;
        return onTheWay < window;
    }

    private static int window(DeployState state, String group) {
        return Math.max(1, state.windows().getOrDefault(group, 1));
    }

    /** The new ones into traffic, then the old ones out of it: never neither. */
    private static DeployState cutover(DeployState state) {
        if (any(state, s -> s.role().moves() && s.phase() == Phase.HELD)) {
            return each(state, s -> s.role().moves() && s.phase() == Phase.HELD, Phase.OPENING);
        }
        if (any(state, s -> s.phase() == Phase.OPENING)) {
            return state;
        }
        if (any(state, s -> s.role() == Role.BLUE && s.phase() == Phase.IDLE)) {
            return each(state, s -> s.role() == Role.BLUE && s.phase() == Phase.IDLE, Phase.CLOSING);
        }
        return any(state, s -> s.phase() == Phase.CLOSING) ? state : state.at(Stage.RETIRING);
    }

    private static DeployState retiring(DeployState state) {
        Predicate<Slot> waits =
                s -> s.role().leaves() && !s.phase().active() && s.phase() != Phase.GONE && s.phase() != Phase.STUCK;
        if (any(state, waits)) {
            return each(state, waits, Phase.REMOVING);
        }
        return any(state, s -> s.phase().active()) ? state : state.at(Stage.DONE);
    }

    // --- back

    private static DeployState rollingBack(DeployState state) {
        // What is on its way forward is dropped: what was there before is restored, what was made waits its turn.
        for (int i = 0; i < state.slots().size(); i++) {
            Slot slot = state.slots().get(i);
            Slot turned = turned(slot);
            if (!turned.equals(slot)) {
                return state.with(i, turned);
            }
        }
        for (int i = 0; i < state.slots().size(); i++) {
            Slot slot = state.slots().get(i);
            boolean serves = slot.role() == Role.UPDATE && slot.phase() == Phase.SERVING;
            if (serves && mayRestore(state, slot)) {
                return state.with(i, slot.at(Phase.RESTORING));
            }
        }
        boolean restored = all(state, s -> s.role().made() || isBack(s));
        if (!restored) {
            return state;
        }
        Predicate<Slot> extra = s -> s.role().made() && s.phase() == Phase.HELD;
        if (any(state, extra)) {
            return each(state, extra, Phase.REMOVING);
        }
        return any(state, s -> s.phase() == Phase.REMOVING) ? state : state.at(Stage.ROLLED_BACK);
    }

    private static Slot turned(Slot slot) {
        return switch (slot.role()) {
            case UPDATE -> slot.phase().changing() ? slot.at(Phase.RESTORING) : slot;
            case BLUE ->
                slot.phase() == Phase.CLOSING || slot.phase() == Phase.CLOSED ? slot.at(Phase.RESTORING) : slot;
            case FRESH, CANARY ->
                slot.phase() == Phase.IDLE
                        ? slot.at(Phase.GONE)
                        : slot.phase().changing() || slot.phase() == Phase.SERVING ? slot.at(Phase.HELD) : slot;
            case SURPLUS -> slot;
        };
    }

    private static boolean mayRestore(DeployState state, Slot slot) {
        long down = count(state, s -> s.group().equals(slot.group()) && s.phase() == Phase.RESTORING);
        return down < window(state, slot.group());
    }

    private static boolean isBack(Slot slot) {
        return switch (slot.phase()) {
            case IDLE, RESTORED, GONE, STUCK -> true;
            case CHANGING, PROVING, RESTING, HELD, OPENING, SERVING, CLOSING, CLOSED, REMOVING, RESTORING -> false;
        };
    }

    // --- over slots

    private static boolean any(DeployState state, Predicate<Slot> which) {
        return state.slots().stream().anyMatch(which);
    }

    private static boolean all(DeployState state, Predicate<Slot> which) {
        return state.slots().stream().allMatch(which);
    }

    private static long count(DeployState state, Predicate<Slot> which) {
        return state.slots().stream().filter(which).count();
    }

    private static DeployState each(DeployState state, Predicate<Slot> which, Phase to) {
        DeployState next = state;
        for (int i = 0; i < state.slots().size(); i++) {
            Slot slot = state.slots().get(i);
            if (which.test(slot)) {
                next = next.with(i, slot.at(to));
            }
        }
        return next;
    }
}
