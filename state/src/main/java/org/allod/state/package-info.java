/**
 * The replicated picture: tables in SQLite that every host of a fleet holds whole, who the hosts are, and how changes
 * reach all of them with nobody in charge. docs/state.md has the design and what of it is built.
 *
 * <p>Three layers, each usable without the next:
 * <ul>
 * <li><b>Merge</b>: {@link org.allod.state.RowState} is a join semilattice; {@link org.allod.state.MemoryReplica} keeps
 *     rows in memory, {@link org.allod.state.SqliteReplica} in a file.
 * <li><b>Protocols</b>: {@link org.allod.state.Membership}, {@link org.allod.state.Broadcast} and
 *     {@link org.allod.state.Sync} are reducers: they are given messages and the time and say what to send. They open no
 *     socket, read no clock and start no thread, so that the simulator runs them as they are.
 * <li><b>Agent</b>: {@link org.allod.state.Agent} puts the protocols of one host together.
 * </ul>
 *
 * <p>Thread rule: reducers and {@code MemoryReplica} belong to one thread; {@code SqliteReplica} may be called from any.
 * Depends on {@code base} and {@code store}.
 */
@NullMarked
package org.allod.state;

import org.jspecify.annotations.NullMarked;
