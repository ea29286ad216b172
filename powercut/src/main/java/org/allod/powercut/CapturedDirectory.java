package org.allod.powercut;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.allod.base.Rng;
import org.jspecify.annotations.Nullable;

/** The names in one folder: the present ones, those certainly on the disk, and the changes in between. */
final class CapturedDirectory {
    /** What a name stands for: one of the two. */
    record Entry(@Nullable Inode file, @Nullable CapturedDirectory folder) {}

    private record Change(String name, @Nullable Entry entry) {}

    private final Map<String, Entry> now = new TreeMap<>();
    private final Map<String, Entry> durable = new TreeMap<>();
    private final List<Change> pending = new ArrayList<>();

    @Nullable
    Entry get(String name) {
        return now.get(name);
    }

    void put(String name, Entry entry) {
        now.put(name, entry);
        pending.add(new Change(name, entry));
    }

    void remove(String name) {
        now.remove(name);
        pending.add(new Change(name, null));
    }

    /** How many of the changes a flush that begins now makes durable. */
    int mark() {
        return pending.size();
    }

    void flushed(int mark) {
        List<Change> done = pending.subList(0, Math.min(mark, pending.size()));
        done.forEach(c -> set(durable, c));
        done.clear();
    }

    private static void set(Map<String, Entry> names, Change change) {
        if (change.entry() == null) {
            names.remove(change.name());
        } else {
            names.put(change.name(), change.entry());
        }
    }

    Map<String, Entry> whole() {
        return now;
    }

    /** As a disk may hold it: each name for itself. */
    Map<String, Entry> cut(CutPolicy chance, Rng rng) {
        Map<String, List<Change>> changes = new TreeMap<>();
        pending.forEach(
                c -> changes.computeIfAbsent(c.name(), x -> new ArrayList<>()).add(c));
        Map<String, Entry> names = new HashMap<>(durable);
        changes.values().forEach(list -> {
            int version = chance.version(list.size(), rng);
            list.subList(0, version).forEach(c -> set(names, c));
        });
        return new TreeMap<>(names);
    }
}
