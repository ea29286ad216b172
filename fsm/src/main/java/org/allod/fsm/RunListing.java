package org.allod.fsm;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/** Merges the runs in memory and those in the store into one list, youngest first. */
final class RunListing {
    /** Rows read at a time, so that filtering a long history does not hold all of it in memory. */
    private static final int CHUNK = 256;

    private final EventStore store;
    private final Function<Optional<RunId>, Collection<ActiveRun>> active;

    RunListing(EventStore store, Function<Optional<RunId>, Collection<ActiveRun>> active) {
        this.store = store;
        this.active = active;
    }

    List<RunView> list(RunFilter filter, Optional<RunId> before, int limit) {
        List<RunView> found = new ArrayList<>();
        active.apply(before).stream()
                .filter(r -> r.durable && filter.matches(r.spec.type(), r.spec.subject()))
                .limit(limit)
                .map(RunView::of)
                .forEach(found::add);
        if (!filter.activeOnly()) {
            addEnded(found, filter, before, limit);
        }
        // A run that ended between the two reads may occur twice.
        List<RunView> distinct = new ArrayList<>(found.stream()
                .collect(java.util.stream.Collectors.toMap(RunView::id, v -> v, (a, b) -> b, java.util.TreeMap::new))
                .values());
        distinct.sort(Comparator.comparing(RunView::id).reversed());
        return List.copyOf(distinct.subList(0, Math.min(limit, distinct.size())));
    }

    private void addEnded(List<RunView> found, RunFilter filter, Optional<RunId> before, int limit) {
        int wanted = limit;
        Optional<RunId> cursor = before;
        while (wanted > 0) {
            List<EndedRunRecord> page = store.ended(cursor, CHUNK);
            for (EndedRunRecord run : page) {
                if (wanted > 0 && filter.matches(run.spec().type(), run.spec().subject())) {
                    found.add(RunView.of(run));
                    wanted--;
                }
            }
            if (page.size() < CHUNK) {
                return;
            }
            cursor = Optional.of(page.getLast().spec().id());
        }
    }
}
