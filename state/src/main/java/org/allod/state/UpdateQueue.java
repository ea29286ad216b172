package org.allod.state;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** News to pass on: the newest of each member, those sent least first, each a bounded number of times. */
final class UpdateQueue {
    private record Entry(MemberUpdate update, int sent, long seq) implements Comparable<Entry> {
        @Override
        public int compareTo(Entry other) {
            int bySent = Integer.compare(sent, other.sent);
            return bySent != 0 ? bySent : Long.compare(other.seq, seq);
        }
    }

    private final Map<SiteId, Entry> byMember = new HashMap<>();
    private final TreeSet<Entry> order = new TreeSet<>();
    private long seq;

    boolean isEmpty() {
        return order.isEmpty();
    }

    void put(MemberUpdate update) {
        Entry entry = new Entry(update, 0, seq++);
        Entry old = byMember.put(update.host().id(), entry);
        if (old != null) {
            order.remove(old);
        }
        order.add(entry);
    }

    /** Up to {@code most} pieces of news, counted as sent; those sent {@code limit} times are dropped. */
    List<MemberUpdate> take(int most, int limit) {
        List<Entry> taken = new ArrayList<>();
        Iterator<Entry> entries = order.iterator();
        while (taken.size() < most && entries.hasNext()) {
            taken.add(entries.next());
        }
        List<MemberUpdate> updates = new ArrayList<>();
        for (Entry entry : taken) {
            updates.add(entry.update);
            order.remove(entry);
            if (entry.sent + 1 < limit) {
                Entry again = new Entry(entry.update, entry.sent + 1, entry.seq);
                byMember.put(entry.update.host().id(), again);
                order.add(again);
            } else {
                byMember.remove(entry.update.host().id());
            }
        }
        return updates;
    }

    @Nullable
    MemberUpdate of(SiteId member) {
        Entry entry = byMember.get(member);
        return entry == null ? null : entry.update;
    }
}
