package org.allod.state;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** The members that may be sent something, region by region, in an order that all hosts with the same view share. */
final class Regions {
    /** One region's hosts, this one among them where it is its own; sorted by id. */
    record Ring(List<HostInfo> hosts) {
        int index(SiteId id) {
            int low = 0;
            int high = hosts.size() - 1;
            while (low <= high) {
                int middle = (low + high) >>> 1;
                int order = hosts.get(middle).id().compareTo(id);
                if (order == 0) {
                    return middle;
                }
                low = order < 0 ? middle + 1 : low;
                high = order < 0 ? high : middle - 1;
            }
            return -1;
        }
    }

    private final Membership membership;
    private long changes = -1;
    private Map<String, Ring> rings = Map.of();

    Regions(Membership membership) {
        this.membership = membership;
    }

    Map<String, Ring> rings() {
        if (changes != membership.changes()) {
            Map<String, List<HostInfo>> byRegion = new TreeMap<>();
            membership
                    .reachable()
                    .forEach(m -> byRegion.computeIfAbsent(m.host().region(), r -> new ArrayList<>())
                            .add(m.host()));
            HostInfo self = membership.self();
            byRegion.computeIfAbsent(self.region(), r -> new ArrayList<>()).add(self);
            Map<String, Ring> next = new TreeMap<>();
            byRegion.forEach((region, hosts) -> {
                hosts.sort(Comparator.comparing(HostInfo::id));
                next.put(region, new Ring(List.copyOf(hosts)));
            });
            rings = next;
            changes = membership.changes();
        }
        return rings;
    }

    Ring own() {
        Ring ring = rings().get(membership.self().region());
        return ring == null ? new Ring(List.of(membership.self())) : ring;
    }

    boolean suspected(HostInfo host) {
        @Nullable Member member = membership.member(host.id());
        return member != null && member.status() == MemberStatus.SUSPECT;
    }
}
