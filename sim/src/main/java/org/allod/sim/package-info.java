/**
 * A whole fleet in one thread, from one seed: a clock that stands still between events, a network with the distances of
 * the earth and faults, disks that lose what was not flushed. What runs in it are the reducers of the product, not models
 * of them. docs/state.md, "The simulator", shows how to put a protocol in.
 *
 * <p>{@link org.allod.sim.EventQueue} is time; {@link org.allod.sim.SimulatedNetwork} takes messages from one
 * {@link org.allod.sim.SimulatedHost} to another; a host runs one {@link org.allod.sim.SimulatedProcess} at a time, which can
 * be stalled, slowed, killed and started again on what its {@link org.allod.sim.SimulatedDisk} has kept. {@link
 * org.allod.sim.StateSimulation} is the scenario for the room {@code state}: what is done, what breaks, what must hold.
 *
 * <p>Thread rule: one thread. Nothing here iterates over a hash table whose order differs between processes, so the same
 * seed gives the same log, byte for byte.
 */
@NullMarked
package org.allod.sim;

import org.jspecify.annotations.NullMarked;
