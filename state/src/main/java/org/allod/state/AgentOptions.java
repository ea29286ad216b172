package org.allod.state;

/** The times and bounds of one host's protocols. */
public record AgentOptions(MembershipOptions membership, BroadcastOptions broadcast, SyncOptions sync) {
    public static AgentOptions defaults() {
        return new AgentOptions(MembershipOptions.defaults(), BroadcastOptions.defaults(), SyncOptions.defaults());
    }
}
