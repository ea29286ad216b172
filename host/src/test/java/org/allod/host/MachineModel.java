package org.allod.host;

import java.util.ArrayList;
import java.util.List;
import org.allod.host.Linearizability.Op;

/**
 * What one machine may do, as its clients can tell: its version, the value of its configuration, one key of its
 * metadata, and its lease. Values are never used twice, so a read says which write it saw.
 */
final class MachineModel implements Linearizability.Model<MachineModel.State, MachineModel.Did> {
    private final State initial;

    /** @param version at the beginning */
    MachineModel(String version, String value) {
        this.initial = new State(version, false, value, value, Lease.NONE);
    }

    /**
     * @param unsure whether {@code version} is only what it was before an update that nobody heard the outcome of
     */
    record State(String version, boolean unsure, String value, String note, Lease lease) {
        State leased(Lease other) {
            return new State(version, unsure, value, note, other);
        }

        State noted(String other) {
            return new State(version, unsure, value, other, lease);
        }
    }

    /**
     * @param early it cannot have ended before this
     * @param late it cannot hold after this
     */
    record Lease(String nonce, long early, long late) {
        static final Lease NONE = new Lease("", Long.MIN_VALUE, Long.MIN_VALUE);
        static final String UNKNOWN = "?";

        boolean mayHold(Op<?> op) {
            return !nonce.isEmpty() && op.call() <= late;
        }

        boolean mayBeOver(Op<?> op) {
            return nonce.isEmpty() || op.ret() >= early;
        }

        boolean is(String other) {
            return nonce.equals(other) || nonce.equals(UNKNOWN);
        }
    }

    /** How it went. */
    enum Outcome {
        DONE,
        /** Refused for the lease, or because the machine was at something else. */
        REFUSED,
        /** Refused because the machine was at another version. */
        STALE,
        UNKNOWN
    }

    sealed interface Did {
        record Read(String version, String value, String note) implements Did {}

        /** @param version the new one, where it was answered */
        record Update(String expected, String value, Outcome outcome, String version) implements Did {}

        /** @param nonce shown; empty for none */
        record Note(String note, String nonce, Outcome outcome) implements Did {}

        /** @param nonce answered, where it was */
        record Take(long ttl, Outcome outcome, String nonce) implements Did {}

        record Release(String nonce, Outcome outcome) implements Did {}
    }

    @Override
    public State initial() {
        return initial;
    }

    @Override
    public List<State> after(State s, Op<Did> op) {
        return switch (op.what()) {
            case Did.Read(var version, var value, var note) ->
                s.value().equals(value) && s.note().equals(note) && at(s, version)
                        ? List.of(new State(version, false, s.value(), s.note(), s.lease()))
                        : List.of();
            case Did.Update update -> updated(s, update);
            case Did.Note note -> noted(s, note, op);
            case Did.Take take -> taken(s, take, op);
            case Did.Release release -> released(s, release, op);
        };
    }

    private static boolean at(State s, String version) {
        return s.unsure() ? version.compareTo(s.version()) > 0 : version.equals(s.version());
    }

    private static List<State> updated(State s, Did.Update u) {
        // An update replaces all of it, the metadata too. Versions only ever grow.
        return switch (u.outcome()) {
            case DONE ->
                at(s, u.expected()) && u.version().compareTo(s.version()) > 0
                        ? List.of(new State(u.version(), false, u.value(), u.value(), s.lease()))
                        : List.of();
            case STALE -> s.unsure() || !s.version().equals(u.expected()) ? List.of(s) : List.of();
            case REFUSED -> List.of(s);
            case UNKNOWN ->
                at(s, u.expected())
                        ? List.of(new State(u.expected(), true, u.value(), u.value(), s.lease()), s)
                        : List.of(s);
        };
    }

    private static List<State> noted(State s, Did.Note n, Op<Did> op) {
        List<State> states = new ArrayList<>();
        boolean holder = !n.nonce().isEmpty();
        // Under its lease, or with none: the two ways it can have been let through.
        if (holder && s.lease().is(n.nonce()) && s.lease().mayHold(op)) {
            states.add(s);
        }
        if (!holder && s.lease().mayBeOver(op)) {
            states.add(s.leased(Lease.NONE));
        }
        List<State> kept = new ArrayList<>();
        if (holder
                ? !s.lease().nonce().equals(n.nonce()) || s.lease().mayBeOver(op)
                : s.lease().mayHold(op)) {
            kept.add(s);
        }
        return switch (n.outcome()) {
            case DONE -> states.stream().map(x -> x.noted(n.note())).toList();
            case UNKNOWN -> {
                List<State> both = new ArrayList<>(
                        states.stream().map(x -> x.noted(n.note())).toList());
                both.add(s);
                yield both;
            }
            case REFUSED, STALE -> kept;
        };
    }

    private static List<State> taken(State s, Did.Take t, Op<Did> op) {
        boolean free = s.lease().mayBeOver(op);
        String nonce = t.outcome() == Outcome.DONE ? t.nonce() : Lease.UNKNOWN;
        long late = op.ret() == Long.MAX_VALUE ? Long.MAX_VALUE : op.ret() + t.ttl();
        State held = s.leased(new Lease(nonce, op.call() + t.ttl(), late));
        return switch (t.outcome()) {
            case DONE -> free ? List.of(held) : List.of();
            case UNKNOWN -> free ? List.of(held, s) : List.of(s);
            case REFUSED, STALE -> s.lease().mayHold(op) ? List.of(s) : List.of();
        };
    }

    private static List<State> released(State s, Did.Release r, Op<Did> op) {
        boolean own = s.lease().is(r.nonce()) && s.lease().mayHold(op);
        return switch (r.outcome()) {
            case DONE -> own ? List.of(s.leased(Lease.NONE)) : List.of();
            case UNKNOWN -> own ? List.of(s.leased(Lease.NONE), s) : List.of(s);
            case REFUSED, STALE ->
                !s.lease().nonce().equals(r.nonce()) || s.lease().mayBeOver(op) ? List.of(s) : List.of();
        };
    }
}
