/**
 * Simulates a whole fleet in one thread from one seed: a clock that advances only between events, a network with
 * worldwide latencies and faults, disks that lose what was not flushed. It runs the product's own reducers, not models
 * of them. docs/state.md, "The simulator", shows how to add a protocol.
 *
 * <p>{@link org.allod.sim.EventQueue} is the time. {@link org.allod.sim.SimulatedNetwork} delivers messages from one
 * {@link org.allod.sim.SimulatedHost} to another. A host runs one {@link org.allod.sim.SimulatedProcess} at a time,
 * which can be stalled, slowed down, killed, and started again with what its {@link org.allod.sim.SimulatedDisk} has
 * kept. {@link org.allod.sim.StateSimulation} is the scenario for the room {@code state}: its operations, its faults
 * and its invariants. Start reading there.
 *
 * <p>Thread rule: one thread. Nothing here iterates over a hash table whose order differs between processes, so the
 * same seed gives the same log, byte for byte.
 */
@NullMarked
package org.allod.sim;

import org.jspecify.annotations.NullMarked;
