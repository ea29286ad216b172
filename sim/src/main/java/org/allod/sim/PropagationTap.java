package org.allod.sim;

import org.allod.state.Agent;

/** Counts the messages with change sets, and those of them that travel far. */
record PropagationTap(long[] counts) implements SimulatedNetwork.Tap {
    /** A flight there and back longer than this is long. */
    private static final long FAR = 150_000_000;

    @Override
    public void sent(SimulatedHost from, SimulatedHost to, byte[] message) {
        if (counts(message)) {
            counts[0]++;
            if (from.place.roundTrip(to.place) > FAR) {
                counts[1]++;
            }
        }
    }

    static boolean counts(byte[] message) {
        return Agent.carriesChanges(message);
    }
}
