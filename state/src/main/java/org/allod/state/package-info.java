/**
 * Replicated state: tables in SQLite of which every host of a fleet holds a full copy, the membership of the fleet, and
 * the protocols that bring every change to every host without a leader. docs/state.md has the design, and says what of
 * it is built.
 *
 * <p>Three layers, each usable without the next:
 * <ul>
 * <li><b>Merge</b>: {@link org.allod.state.RowState} is a join semilattice; {@link org.allod.state.MemoryReplica} keeps
 *     rows in memory, {@link org.allod.state.SqliteReplica} in a file.
 * <li><b>Protocols</b>: {@link org.allod.state.Membership}, {@link org.allod.state.Broadcast} and
 *     {@link org.allod.state.Sync} are reducers: they take messages and the time and return what to send. They open no
 *     socket, read no clock and start no thread, so that the simulator runs them unchanged.
 * <li><b>Agent</b>: {@link org.allod.state.Agent} combines the protocols of one host. Start reading here.
 * </ul>
 *
 * <p>Thread rule: one thread owns the reducers and {@code MemoryReplica}; {@code SqliteReplica} is safe from any
 * thread. Depends on {@code base} and {@code store}.
 */
@NullMarked
package org.allod.state;

import org.jspecify.annotations.NullMarked;
