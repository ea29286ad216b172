package org.allod.host;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * Whether a history of concurrent operations on one thing could have come from doing them one after the other, each at
 * some moment between its call and its return: the search of Wing and Gong ("Testing and verifying concurrent objects",
 * 1993), with Lowe's memory of the configurations that have been tried in vain (2017).
 *
 * <p>An operation whose outcome nobody learnt has no return; the model says what it may have done, which includes
 * nothing.
 */
final class Linearizability {
    /** Beyond this many configurations a history is too tangled to judge, which a test must not take for a pass. */
    private static final int MOST = 5_000_000;

    private Linearizability() {}

    /**
     * One operation.
     *
     * @param call when it was asked, in nanoseconds
     * @param ret when its answer came; {@link Long#MAX_VALUE} where none did and it may still happen
     * @param what the model's own
     */
    record Op<O>(long call, long ret, O what) {}

    /** What one thing may do: the states it may be in after an operation; none where that cannot have happened. */
    interface Model<S, O> {
        S initial();

        List<S> after(S state, Op<O> op);
    }

    private record Configuration<S>(int base, TreeSet<Integer> beyond, S state) {
        boolean done(int op) {
            return op < base || beyond.contains(op);
        }

        Configuration<S> with(int op, S next) {
            TreeSet<Integer> more = new TreeSet<>(beyond);
            more.add(op);
            int from = base;
            while (more.remove(from)) {
                from++;
            }
            return new Configuration<>(from, more, next);
        }
    }

    /**
     * Searches.
     *
     * @return nothing where an order was found; else the operations around which every order fails
     */
    static <S, O> Optional<List<Op<O>>> violation(Model<S, O> model, List<Op<O>> history) {
        List<Op<O>> ops = new ArrayList<>(history);
        ops.sort(Comparator.comparingLong(Op::call));
        Set<Configuration<S>> tried = new HashSet<>();
        Deque<Configuration<S>> open = new ArrayDeque<>();
        open.push(new Configuration<>(0, new TreeSet<>(), model.initial()));
        int furthest = 0;
        while (!open.isEmpty()) {
            Configuration<S> now = open.pop();
            if (!tried.add(now)) {
                continue;
            }
            if (tried.size() > MOST) {
                throw new IllegalStateException("more than " + MOST + " configurations: history too tangled");
            }
            furthest = Math.max(furthest, now.base);
            List<Integer> next = candidates(ops, now);
            if (next.isEmpty()) {
                return Optional.empty();
            }
            // Those called last are pushed first, so that the likeliest order, that of the calls, is tried first.
            for (int op : next.reversed()) {
                for (S state : model.after(now.state, ops.get(op))) {
                    open.push(now.with(op, state));
                }
            }
        }
        return Optional.of(ops.subList(Math.max(0, furthest - 5), Math.min(ops.size(), furthest + 8)));
    }

    /** What may come next: whatever was called before the first return still outstanding. Empty when all is done. */
    private static <S, O> List<Integer> candidates(List<Op<O>> ops, Configuration<S> now) {
        List<Integer> candidates = new ArrayList<>();
        long firstReturn = Long.MAX_VALUE;
        for (int i = now.base; i < ops.size() && ops.get(i).call() <= firstReturn; i++) {
            if (!now.done(i)) {
                candidates.add(i);
                firstReturn = Math.min(firstReturn, ops.get(i).ret());
            }
        }
        long until = firstReturn;
        // Only operations without a return are left: they need not have happened.
        return until == Long.MAX_VALUE ? List.of() : candidates;
    }
}
