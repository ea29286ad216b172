/**
 * Runs machines: microVMs and gVisor sandboxes, their networks and consoles, and the channel to PID 1 inside.
 *
 * <p>Callers use {@link org.allod.runtime.GuestRuntime} and {@link org.allod.runtime.Guest} and do not know which runtime is
 * behind them. Guests are detached processes: they outlive the daemon, and {@link org.allod.runtime.GuestRuntime#find} adopts
 * them after a restart. Every method is idempotent: it looks for what already exists before creating it.
 *
 * <p>Start reading at {@link org.allod.runtime.GVisorRuntime} or {@link org.allod.runtime.MicroVmRuntime} ({@code boot}, then
 * {@code running}, which adopts). {@code GuestChannel} is the conversation with PID 1; {@link org.allod.runtime.Networks},
 * {@link org.allod.runtime.MachineLink} and {@code MachineFirewall} are the network.
 *
 * <p>Thread rule: methods block and are called on virtual threads, for one machine from one thread at a time; different
 * machines run concurrently. A guest's link has one reading and one writing thread of its own. Depends on {@code linux} and
 * {@code base}.
 */
@NullMarked
package org.allod.runtime;

import org.jspecify.annotations.NullMarked;
