package org.allod.state;

import org.jspecify.annotations.Nullable;

/** What one host knows of another. Changed by {@link Membership} alone. */
public final class Member {
    HostInfo host;
    long incarnation;
    MemberStatus status;
    long since;
    /** Nanoseconds from a ping to its answer, smoothed; 0 where unknown. */
    long roundTrip;

    @Nullable
    Suspicion suspicion;

    Member(HostInfo host, long incarnation, MemberStatus status, long since) {
        this.host = host;
        this.incarnation = incarnation;
        this.status = status;
        this.since = since;
    }

    public HostInfo host() {
        return host;
    }

    public SiteId id() {
        return host.id();
    }

    public MemberStatus status() {
        return status;
    }

    public long incarnation() {
        return incarnation;
    }

    /** Whether it may be sent anything. A suspect is, since it is probably alive. */
    public boolean reachable() {
        return status == MemberStatus.ALIVE || status == MemberStatus.SUSPECT;
    }

    MemberUpdate update(SiteId from) {
        return new MemberUpdate(host, incarnation, status, from);
    }
}
