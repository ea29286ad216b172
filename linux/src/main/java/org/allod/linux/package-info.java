/**
 * What Linux gives: processes that outlive us, control groups, mounts, network namespaces, packet filters.
 *
 * <p>Tools ({@code nft}, {@code mount}) do what they do well; what has no tool or is too hot for one goes to the kernel
 * through {@link org.allod.linux.Libc}, the one file of bindings, and {@link org.allod.linux.LibcSockets}, the numbers of
 * system calls, both checked by hand against the kernel's headers. Links, addresses and routes are asked for by netlink
 * ({@link org.allod.linux.Rtnetlink}). Nothing here knows what a machine is.
 *
 * <p>Thread rule: every type is safe for use from any thread unless it says otherwise. Methods block; {@link
 * org.allod.linux.ProcessExitWatcher} has a thread of its own, and {@link org.allod.linux.PlatformThreads} starts one for each
 * conversation over netlink. Depends on {@code base}.
 */
@NullMarked
package org.allod.linux;

import org.jspecify.annotations.NullMarked;
