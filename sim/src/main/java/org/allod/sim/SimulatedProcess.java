package org.allod.sim;

/**
 * A protocol as the simulator runs it: it is given messages and its host's time, and sends through the network it was made
 * with. It reads no clock, starts no thread and draws no randomness but from the stream it was given.
 */
public interface SimulatedProcess {
    void receive(byte[] message, long now);

    void tick(long now);

    /** When it wants its next {@link #tick}, by its host's clock. */
    long deadline();
}
