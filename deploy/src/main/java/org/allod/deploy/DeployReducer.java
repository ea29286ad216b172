package org.allod.deploy;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;

/**
 * Decides what a deploy does next: a pure function from a state and an event to the next state, and from a state to the
 * effects that are due in it.
 *
 * <p>Forward, it begins machines of a group as far as the group's window allows. Blue-green begins all fresh machines,
 * and switches traffic once all of them are ready. When all machines serve, it destroys those that are no longer
 * wanted; from there on the deploy cannot be rolled back. Before that, the first failure rolls the whole deploy back:
 * changed machines are restored, those that are down at once and those that serve as far as the window allows, so that
 * a rollback takes no more machines out of service than the deploy did; then the machines that the deploy made are
 * destroyed.
 */
final class DeployReducer {
    /** The prefix of a slot's note while it waits for something temporary. */
    static final String WAITS = "waits: ";

    /** How many machines of a group are begun at once if nothing else bounds it; each needs processor time to start. */
    static final int AT_ONCE = 8;

    private DeployReducer() {}

    /** The state after an event; the same state if the event belongs to no effect that is due. */
    static DeployState next(DeployState state, DeployEvent event) {
        return settled(
                switch (event) {
                    case DeployEvent.Done(int i, SlotPhase phase, String machine) ->
                        due(state, i, phase) ? done(state, i, machine) : state;
                    case DeployEvent.Failed(int i, SlotPhase phase, String why) ->
                        due(state, i, phase) ? failed(state, i, why) : state;
                    case DeployEvent.Waits(int i, SlotPhase phase, String why) ->
                        due(state, i, phase)
                                ? state.with(i, state.slots().get(i).withPhase(phase, WAITS + why))
                                : state;
                    case DeployEvent.Gone(int i, SlotPhase phase) -> due(state, i, phase) ? gone(state, i) : state;
                    case DeployEvent.Halted(String why) -> state.stage().revocable() ? state.back(why) : state;
                });
    }

    /** The effects that are due in a state, including those that have begun and not ended. */
    static List<DeployEffect> due(DeployState state) {
        List<DeployEffect> due = new ArrayList<>();
        for (int i = 0; i < state.slots().size(); i++) {
            due(state, i).ifPresent(due::add);
        }
        return due;
    }

    static Optional<DeployEffect> due(DeployState state, int i) {
        Slot slot = state.slots().get(i);
        boolean blueGreen = state.strategy() == Strategy.BLUE_GREEN;
        return Optional.ofNullable(
                switch (slot.phase()) {
                    case CHANGING -> new DeployEffect.Change(i, slot.prove(), blueGreen);
                    case VERIFYING -> new DeployEffect.Prove(i, state.strategy() != Strategy.IMMEDIATE);
                    case STOPPING -> new DeployEffect.Rest(i);
                    case UNCORDONING -> new DeployEffect.Open(i);
                    case CORDONING -> new DeployEffect.Close(i);
                    case REMOVING -> new DeployEffect.Remove(i);
                    case RESTORING -> new DeployEffect.Restore(i);
                    case IDLE, READY, SERVING, CLOSED, GONE, RESTORED, STUCK -> null;
                });
    }

    private static boolean due(DeployState state, int i, SlotPhase phase) {
        return state.slots().get(i).phase() == phase && phase.active();
    }

    private static DeployState done(DeployState state, int i, String machine) {
        Slot found = state.slots().get(i).hasPhase(machine);
        Slot slot = found.note().startsWith(WAITS) ? found.withPhase(found.phase(), "") : found;
        boolean held = state.strategy() == Strategy.BLUE_GREEN;
        SlotPhase next = switch (slot.phase()) {
            case CHANGING -> slot.prove() ? SlotPhase.VERIFYING : SlotPhase.SERVING;
            case VERIFYING -> held ? SlotPhase.READY : slot.runs() ? SlotPhase.SERVING : SlotPhase.STOPPING;
            case STOPPING, UNCORDONING -> SlotPhase.SERVING;
            case CORDONING -> SlotPhase.CLOSED;
            case REMOVING -> SlotPhase.GONE;
            case RESTORING -> SlotPhase.RESTORED;
            case IDLE, READY, SERVING, CLOSED, GONE, RESTORED, STUCK -> slot.phase();
        };
        return state.with(i, slot.withPhase(next));
    }

    private static DeployState failed(DeployState state, int i, String why) {
        Slot slot = state.slots().get(i);
        if (!state.stage().revocable()) {
            return state.with(i, slot.withPhase(SlotPhase.STUCK, why));
        }
        return state.with(i, slot.withPhase(slot.phase(), why)).back("machine " + slot.name() + " " + why);
    }

    private static DeployState gone(DeployState state, int i) {
        Slot slot = state.slots().get(i);
        DeployState without = state.with(i, slot.withPhase(SlotPhase.GONE, "destroyed by somebody else"));
        // The owner may destroy a machine that existed before; one that this deploy made is still needed.
        return slot.role().made() && state.stage().revocable()
                ? without.back("machine " + slot.name() + " was destroyed by somebody else")
                : without;
    }

    /** Makes every transition that needs no event. */
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

    /** The first state, from the planner's slots. */
    static DeployState begin(DeployState surveyed) {
        return settled(surveyed);
    }

    // --- forward

    private static DeployState forward(DeployState state) {
        boolean blueGreen = state.strategy() == Strategy.BLUE_GREEN;
        boolean all = all(
                state,
                s -> !s.role().moves()
                        || s.phase() == (blueGreen ? SlotPhase.READY : SlotPhase.SERVING)
                        || (s.phase() == SlotPhase.GONE && !s.role().made()));
        if (all) {
            return state.withStage(blueGreen ? DeployStage.CUTOVER : DeployStage.RETIRING);
        }
        for (int i = 0; i < state.slots().size(); i++) {
            Slot slot = state.slots().get(i);
            if (slot.phase() == SlotPhase.IDLE && slot.role().moves() && mayBegin(state, slot)) {
                return state.with(i, slot.withPhase(SlotPhase.CHANGING));
            }
        }
        return state;
    }

    private static boolean mayBegin(DeployState state, Slot slot) {
        boolean behindCanary = slot.role() != Role.CANARY
                && any(
                        state,
                        s -> s.role() == Role.CANARY
                                && s.group().equals(slot.group())
                                && s.phase() != SlotPhase.SERVING);
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

    /** Puts the new machines into traffic before it takes the old ones out, so that some always serve. */
    private static DeployState cutover(DeployState state) {
        if (any(state, s -> s.role().moves() && s.phase() == SlotPhase.READY)) {
            return each(state, s -> s.role().moves() && s.phase() == SlotPhase.READY, SlotPhase.UNCORDONING);
        }
        if (any(state, s -> s.phase() == SlotPhase.UNCORDONING)) {
            return state;
        }
        if (any(state, s -> s.role() == Role.BLUE && s.phase() == SlotPhase.IDLE)) {
            return each(state, s -> s.role() == Role.BLUE && s.phase() == SlotPhase.IDLE, SlotPhase.CORDONING);
        }
        return any(state, s -> s.phase() == SlotPhase.CORDONING) ? state : state.withStage(DeployStage.RETIRING);
    }

    private static DeployState retiring(DeployState state) {
        Predicate<Slot> waits = s ->
                s.role().leaves() && !s.phase().active() && s.phase() != SlotPhase.GONE && s.phase() != SlotPhase.STUCK;
        if (any(state, waits)) {
            return each(state, waits, SlotPhase.REMOVING);
        }
        return any(state, s -> s.phase().active()) ? state : state.withStage(DeployStage.DONE);
    }

    // --- back

    private static DeployState rollingBack(DeployState state) {
        // Drop forward changes under way: restore machines that existed before; those made here are destroyed later.
        for (int i = 0; i < state.slots().size(); i++) {
            Slot slot = state.slots().get(i);
            Slot turned = reverse(slot);
            if (!turned.equals(slot)) {
                return state.with(i, turned);
            }
        }
        for (int i = 0; i < state.slots().size(); i++) {
            Slot slot = state.slots().get(i);
            boolean serves = slot.role() == Role.UPDATE && slot.phase() == SlotPhase.SERVING;
            if (serves && mayRestore(state, slot)) {
                return state.with(i, slot.withPhase(SlotPhase.RESTORING));
            }
        }
        boolean restored = all(state, s -> s.role().made() || isBack(s));
        if (!restored) {
            return state;
        }
        Predicate<Slot> extra = s -> s.role().made() && s.phase() == SlotPhase.READY;
        if (any(state, extra)) {
            return each(state, extra, SlotPhase.REMOVING);
        }
        return any(state, s -> s.phase() == SlotPhase.REMOVING) ? state : state.withStage(DeployStage.ROLLED_BACK);
    }

    private static Slot reverse(Slot slot) {
        return switch (slot.role()) {
            case UPDATE -> slot.phase().changing() ? slot.withPhase(SlotPhase.RESTORING) : slot;
            case BLUE ->
                slot.phase() == SlotPhase.CORDONING || slot.phase() == SlotPhase.CLOSED
                        ? slot.withPhase(SlotPhase.RESTORING)
                        : slot;
            case FRESH, CANARY ->
                slot.phase() == SlotPhase.IDLE
                        ? slot.withPhase(SlotPhase.GONE)
                        : slot.phase().changing() || slot.phase() == SlotPhase.SERVING
                                ? slot.withPhase(SlotPhase.READY)
                                : slot;
            case SURPLUS -> slot;
        };
    }

    private static boolean mayRestore(DeployState state, Slot slot) {
        long down = count(state, s -> s.group().equals(slot.group()) && s.phase() == SlotPhase.RESTORING);
        return down < window(state, slot.group());
    }

    private static boolean isBack(Slot slot) {
        return switch (slot.phase()) {
            case IDLE, RESTORED, GONE, STUCK -> true;
            case CHANGING, VERIFYING, STOPPING, READY, UNCORDONING, SERVING, CORDONING, CLOSED, REMOVING, RESTORING ->
                false;
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

    private static DeployState each(DeployState state, Predicate<Slot> which, SlotPhase to) {
        DeployState next = state;
        for (int i = 0; i < state.slots().size(); i++) {
            Slot slot = state.slots().get(i);
            if (which.test(slot)) {
                next = next.with(i, slot.withPhase(to));
            }
        }
        return next;
    }
}
