/**
 * Machines: what they are, what may be asked of them, and the durable runs that carry it out.
 *
 * <p>{@link org.allod.machine.Machines} is the door. A request is first checked ({@link
 * org.allod.machine.ConfigReader}, {@link org.allod.machine.MachineOperation}), then becomes a run of {@code fsm} whose steps call
 * {@code image} and {@code runtime}; the machine's record ({@link org.allod.machine.Machine}) is written whole at each
 * step to {@code host.db} and to the book in memory that readers, waiters and the edge look at.
 *
 * <p>Thread rule: everything public is safe from any thread; methods that write block until the write is durable, so
 * call them on virtual threads. For one machine at most one run is active, however many ask. Depends on {@code
 * runtime}, {@code image}, {@code fsm}, {@code store} and the ground.
 */
@NullMarked
package org.allod.machine;

import org.jspecify.annotations.NullMarked;
