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
 * Decides which runs may execute: at most one at a time for an action and subject, and at most its cap for each queue.
 * Runs are admitted first in, first out; a run whose subject is busy does not hold up those behind it.
 *
 * <p>Not thread-safe: the lock of {@link RunRegistry} guards it. It iterates over insertion-ordered collections only,
 * so that simulations are repeatable.
 */
final class AdmissionControl {
    private record Key(String action, String subject) {}

    private static final class SubjectRuns {
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

    private final Map<Key, SubjectRuns> bySubject = new HashMap<>();
    private final Map<String, Queue> queues = new TreeMap<>();

    AdmissionControl(Map<String, Integer> caps) {
        caps.forEach((name, cap) -> queues.put(name, new Queue(cap)));
    }

    boolean hasQueue(String name) {
        return queues.containsKey(name);
    }

    /** Adds a queue that recorded runs name but the configuration no longer has; its runs execute one at a time. */
    void addQueue(String name) {
        queues.put(name, new Queue(1));
    }

    /**
     * Whether the queue is full: it has as many runs as may execute, and {@code waiting} more. A run that was admitted
     * and does not execute yet counts among the former.
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
        SubjectRuns runs = bySubject.get(new Key(action, subject));
        return runs == null ? Optional.empty() : Optional.of(runs.members.getFirst());
    }

    /** Adds a run that is active from now on but not yet ready to execute. */
    void join(ActiveRun run) {
        subjectRuns(run).members.add(run);
        queue(run).ifPresent(q -> q.members++);
    }

    /** Marks a run as ready; returns the runs admitted by that, which is the run itself or none. */
    List<ActiveRun> ready(ActiveRun run) {
        if (run.admitted) {
            return List.of();
        }
        SubjectRuns runs = subjectRuns(run);
        Optional<Queue> queue = run.ending() ? Optional.empty() : queue(run);
        queue(run).filter(q -> queue.isEmpty()).ifPresent(q -> q.waiting.remove(run));
        if (runs.busy || (queue.isPresent() && queue.get().executing >= queue.get().cap)) {
            runs.waiting.add(run);
            queue.ifPresent(q -> q.waiting.add(run));
            return List.of();
        }
        admit(run, runs, queue);
        return List.of(run);
    }

    /** Removes a run that has ended; returns the runs admitted by that, oldest first. */
    List<ActiveRun> leave(ActiveRun run) {
        SubjectRuns runs = subjectRuns(run);
        runs.members.remove(run);
        runs.waiting.remove(run);
        Optional<Queue> own = queue(run);
        own.ifPresent(q -> {
            q.members--;
            q.waiting.remove(run);
            if (run.slot) {
                q.executing--;
            }
        });
        if (run.admitted) {
            runs.busy = false;
        }
        List<ActiveRun> admitted = new ArrayList<>(1);
        for (ActiveRun next : List.copyOf(runs.waiting)) {
            if (runs.busy) {
                break;
            }
            admitted.addAll(ready(next));
        }
        own.ifPresent(q -> fill(q, admitted));
        if (runs.members.isEmpty()) {
            bySubject.remove(key(run));
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

    private static void admit(ActiveRun run, SubjectRuns runs, Optional<Queue> queue) {
        run.admitted = true;
        runs.busy = true;
        runs.waiting.remove(run);
        queue.ifPresent(q -> {
            q.waiting.remove(run);
            q.executing++;
            run.slot = true;
        });
    }

    private SubjectRuns subjectRuns(ActiveRun run) {
        return bySubject.computeIfAbsent(key(run), k -> new SubjectRuns());
    }

    private static Key key(ActiveRun run) {
        return new Key(run.spec.action(), run.spec.subject());
    }

    private Optional<Queue> queue(ActiveRun run) {
        return run.spec.queue().map(queues::get);
    }
}
