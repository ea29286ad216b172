package org.allod.fsm;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedSet;
import java.util.TreeMap;

/**
 * Who may execute: at most one run of an action and subject at a time, and of each queue no more than its cap. Runs are
 * let in first come, first served; one whose subject is busy does not hold up those behind it.
 *
 * <p>Not thread-safe: guarded by the engine's lock. Only insertion-ordered collections are walked, so a simulation
 * repeats itself.
 */
final class AdmissionControl {
    private record Key(String action, String subject) {}

    private static final class Lane {
        final List<ActiveRun> members = new ArrayList<>(1);
        final SequencedSet<ActiveRun> waiting = new LinkedHashSet<>(2);
        boolean busy;
    }

    private static final class Queue {
        final int cap;
        final SequencedSet<ActiveRun> waiting = new LinkedHashSet<>();
        int members;
        int executing;

        Queue(int cap) {
            this.cap = cap;
        }
    }

    private final Map<Key, Lane> lanes = new HashMap<>();
    private final Map<String, Queue> queues = new TreeMap<>();

    AdmissionControl(Map<String, Integer> caps) {
        caps.forEach((name, cap) -> queues.put(name, new Queue(cap)));
    }

    boolean hasQueue(String name) {
        return queues.containsKey(name);
    }

    /** A queue that runs on record name but the configuration no longer does: one at a time until they are through. */
    void addQueue(String name) {
        queues.put(name, new Queue(1));
    }

    /**
     * Whether the queue has all it may: those that execute and {@code waiting} more. One that was let in a moment ago
     * and does not execute yet is among the first, not among those that wait.
     */
    boolean full(String queue, int waiting) {
        Queue q = queues.get(queue);
        return q != null && q.members >= q.cap + waiting;
    }

    List<QueueView> views() {
        return queues.entrySet().stream()
                .map(e -> new QueueView(
                        e.getKey(),
                        e.getValue().cap,
                        e.getValue().executing,
                        e.getValue().members - e.getValue().executing))
                .toList();
    }

    /** The oldest active run with this action and subject. */
    Optional<ActiveRun> holder(String action, String subject) {
        Lane lane = lanes.get(new Key(action, subject));
        return lane == null ? Optional.empty() : Optional.of(lane.members.getFirst());
    }

    /** The run is active from now on, though not yet ready to execute. */
    void join(ActiveRun run) {
        lane(run).members.add(run);
        queue(run).ifPresent(q -> q.members++);
    }

    /** The run is ready; answers with those let in now, which is the run itself or nobody. */
    List<ActiveRun> ready(ActiveRun run) {
        if (run.admitted) {
            return List.of();
        }
        Lane lane = lane(run);
        Optional<Queue> queue = run.ending() ? Optional.empty() : queue(run);
        queue(run).filter(q -> queue.isEmpty()).ifPresent(q -> q.waiting.remove(run));
        if (lane.busy || (queue.isPresent() && queue.get().executing >= queue.get().cap)) {
            lane.waiting.add(run);
            queue.ifPresent(q -> q.waiting.add(run));
            return List.of();
        }
        admit(run, lane, queue);
        return List.of(run);
    }

    /** The run is over; answers with those let in by that, oldest first. */
    List<ActiveRun> leave(ActiveRun run) {
        Lane lane = lane(run);
        lane.members.remove(run);
        lane.waiting.remove(run);
        Optional<Queue> own = queue(run);
        own.ifPresent(q -> {
            q.members--;
            q.waiting.remove(run);
            if (run.slot) {
                q.executing--;
            }
        });
        if (run.admitted) {
            lane.busy = false;
        }
        List<ActiveRun> admitted = new ArrayList<>(1);
        for (ActiveRun next : List.copyOf(lane.waiting)) {
            if (lane.busy) {
                break;
            }
            admitted.addAll(ready(next));
        }
        own.ifPresent(q -> fill(q, admitted));
        if (lane.members.isEmpty()) {
            lanes.remove(key(run));
        }
        return admitted;
    }

    private void fill(Queue queue, List<ActiveRun> admitted) {
        if (queue.waiting.isEmpty()) {
            return;
        }
        for (ActiveRun next : List.copyOf(queue.waiting)) {
            if (queue.executing >= queue.cap) {
                return;
            }
            admitted.addAll(ready(next));
        }
    }

    private static void admit(ActiveRun run, Lane lane, Optional<Queue> queue) {
        run.admitted = true;
        lane.busy = true;
        lane.waiting.remove(run);
        queue.ifPresent(q -> {
            q.waiting.remove(run);
            q.executing++;
            run.slot = true;
        });
    }

    private Lane lane(ActiveRun run) {
        return lanes.computeIfAbsent(key(run), k -> new Lane());
    }

    private static Key key(ActiveRun run) {
        return new Key(run.spec.action(), run.spec.subject());
    }

    private Optional<Queue> queue(ActiveRun run) {
        return run.spec.queue().map(queues::get);
    }
}
