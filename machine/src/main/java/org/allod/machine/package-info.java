/**
 * Machines, their volumes and their apps: records, the operations on them, and the durable runs that carry those out.
 *
 * <p><b>Where to start.</b> {@link org.allod.machine.Machines} and {@link org.allod.machine.Volumes} are the facades.
 * {@code LifecycleRunTypes} and {@code VolumeRuns} list every run type with its steps. {@link
 * org.allod.machine.MachineModule} builds everything.
 *
 * <p><b>The way of an operation.</b> A facade checks the request ({@link org.allod.machine.ConfigReader}, {@link
 * org.allod.machine.MachineOperation}, {@code CapacityReservations}); {@code LifecycleDispatcher} checks the lease and
 * starts a run of {@code fsm}, both under the machine's lock ({@link org.allod.machine.Leases}); the run's steps call
 * {@code image} and {@code runtime} through {@code GuestOperations}. Each change of a machine's record ({@link
 * org.allod.machine.Machine}) is written whole to {@code host.db} by {@code MachineRecords}, then put into {@code
 * MachineIndex}, the records in memory that readers, waiters and the edge use. {@code Reconciler} compares records and
 * guests when the daemon starts and when a guest exits.
 *
 * <p><b>Thread rule.</b> Every public type is safe from any thread. Methods that write block until the write is
 * durable, so call them on virtual threads. Locks are taken in the order of {@code LockOrder}; none is held while
 * waiting for a guest, a run or the network. At most one run is active for a machine.
 *
 * <p>Depends on {@code runtime}, {@code image}, {@code fsm}, {@code store}, {@code linux} and {@code base}.
 */
@NullMarked
package org.allod.machine;

import org.jspecify.annotations.NullMarked;
