/**
 * What runs a machine: microVMs and gVisor sandboxes, their networks and consoles, and the channel to PID 1 inside.
 *
 * <p>Callers see {@link org.allod.runtime.GuestRuntime} and {@link org.allod.runtime.Guest} and never learn which runtime
 * is behind them. Guests are processes of their own: they outlive the daemon, and {@link
 * org.allod.runtime.GuestRuntime#find} adopts them after a restart. Every method may run twice; each looks for what is
 * already there before making it.
 *
 * <p>Thread rule: methods block and are called on virtual threads, for one machine from one thread at a time; different
 * machines run side by side. Depends on {@code linux} and {@code base}.
 */
@NullMarked
package org.allod.runtime;

import org.jspecify.annotations.NullMarked;
