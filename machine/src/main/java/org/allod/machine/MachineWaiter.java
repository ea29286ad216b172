package org.allod.machine;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.allod.base.MachineId;
import org.allod.base.RejectedException;
import org.allod.base.Ulid;

/**
 * Waits until a machine reaches a state, possibly of a certain version or after a certain event. Safe for any thread.
 */
public final class MachineWaiter {
    /** The state of a version that another one has replaced; a machine itself never has it. */
    public static final String REPLACED = "replaced";

    /** Types of events that happen within a state and do not enter one. */
    private static final Set<String> ASIDE = Set.of("exit", "cordon", "uncordon", "resume_failed", "blocked");

    private final MachineIndex index;
    private final MachineTable table;

    MachineWaiter(MachineIndex index, MachineTable table) {
        this.index = index;
        this.table = table;
    }

    /**
     * What to wait for.
     *
     * @param states any of these states
     * @param settled also any lasting state
     * @param replaced also that the version has been replaced
     * @param version only at this version
     * @param after only what was recorded after this event; a state that was entered and left since then counts
     */
    public record Wanted(
            Set<MachineState> states, boolean settled, boolean replaced, Optional<Ulid> version, Optional<Ulid> after) {
        public Wanted {
            states = Set.copyOf(states);
        }

        private boolean fits(MachineState state) {
            return states.contains(state) || (settled && state.kind() != MachineState.Kind.TRANSIENT);
        }

        private String words() {
            List<String> words = new java.util.ArrayList<>(
                    states.stream().map(MachineState::wire).sorted().toList());
            if (settled) {
                words.add("settled");
            }
            if (replaced) {
                words.add(REPLACED);
            }
            return String.join(" or ", words);
        }
    }

    /**
     * The result of waiting.
     *
     * @param state the state's name in the API
     * @param event the event that recorded it; empty if none is kept
     */
    public record Seen(String state, Ulid version, Optional<Ulid> event) {}

    /**
     * Waits until {@code wanted} is met.
     *
     * @throws RejectedException with {@link RejectedException.Reason#TIMEOUT} if it is not met in time, and with {@link
     *     RejectedException.Reason#CONFLICT} as soon as it is certain that it never will be
     */
    public Seen await(Machine machine, Wanted wanted, Duration timeout) throws InterruptedException {
        wanted.version().ifPresent(version -> known(machine, version));
        Optional<Machine> living = index.get(machine.id());
        Machine last = living.isEmpty()
                ? table.find(machine.id()).orElse(machine)
                : index.await(machine.id(), m -> over(m, wanted), timeout)
                        .or(() -> index.get(machine.id()))
                        .or(() -> table.find(machine.id()))
                        .orElse(machine);
        Optional<Seen> seen = match(last, wanted);
        if (seen.isPresent()) {
            return seen.get();
        }
        if (over(last, wanted)) {
            throw RejectedException.conflict("machine %s will not become %s%s: %s"
                    .formatted(
                            last.id(),
                            wanted.words(),
                            wanted.version().map(v -> " at version " + v).orElse(""),
                            last.state() == MachineState.DESTROYED
                                    ? "it is destroyed"
                                    : "version " + last.version() + " has replaced that one"));
        }
        throw RejectedException.because(
                RejectedException.Reason.TIMEOUT,
                "deadline_exceeded: machine %s did not become %s within %s; it is %s"
                        .formatted(
                                last.id(),
                                wanted.words(),
                                GoDuration.text(timeout),
                                last.state().wire()),
                "its events say what it is at: GET …/events");
    }

    /** Refuses a version that is older than the current one and never was one of this machine's. */
    private void known(Machine machine, Ulid version) {
        boolean older = version.compareTo(machine.version()) < 0;
        if (older
                && table.versions(machine.id()).stream()
                        .noneMatch(v -> v.version().equals(version.toString()))) {
            throw RejectedException.notFound("machine %s has no version %s".formatted(machine.id(), version));
        }
    }

    /** Whether nothing can change the result any more. */
    private boolean over(Machine m, Wanted wanted) {
        if (m.state() == MachineState.DESTROYED || replaced(m, wanted)) {
            return true;
        }
        // Most callers wait without an event. Then no query is needed here, which would delay the thread that changed
        // the machine.
        return wanted.after().isPresent() ? match(m, wanted).isPresent() : current(m, wanted) && wanted.fits(m.state());
    }

    private static boolean current(Machine m, Wanted wanted) {
        return wanted.version().filter(v -> !v.equals(m.version())).isEmpty();
    }

    private static boolean replaced(Machine m, Wanted wanted) {
        return wanted.version().filter(v -> v.compareTo(m.version()) < 0).isPresent();
    }

    private Optional<Seen> match(Machine m, Wanted wanted) {
        if (replaced(m, wanted)) {
            return wanted.replaced() || wanted.settled()
                    ? Optional.of(new Seen(REPLACED, wanted.version().orElseThrow(), newest(m.id())))
                    : Optional.empty();
        }
        if (!current(m, wanted)) {
            return Optional.empty();
        }
        if (wanted.after().isEmpty()) {
            return wanted.fits(m.state())
                    ? Optional.of(new Seen(m.state().wire(), m.version(), newest(m.id())))
                    : Optional.empty();
        }
        return table.events(m.id(), MachineTable.EVENTS).stream()
                .filter(e -> !ASIDE.contains(e.type()))
                .filter(e -> e.id().compareTo(wanted.after().get()) > 0)
                .filter(e -> MachineState.parse(e.status()).filter(wanted::fits).isPresent())
                .findFirst()
                .map(e -> new Seen(e.status(), m.version(), Optional.of(e.id())));
    }

    private Optional<Ulid> newest(MachineId id) {
        return table.events(id, 1).stream().findFirst().map(MachineEvent::id);
    }
}
