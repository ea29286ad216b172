/**
 * Access to Linux: processes that outlive the daemon, control groups, mounts, network namespaces, packet filters,
 * durable files. Nothing here knows what a machine is.
 *
 * <p>Tools ({@code nft}, {@code mount}) do what they do well. What has no tool, or is called too often for one, goes to
 * the kernel through the bindings in {@link org.allod.linux.Libc} and {@link org.allod.linux.LibcSockets}, which were
 * checked by hand against the kernel's headers. Links, addresses and routes go through netlink ({@link
 * org.allod.linux.Rtnetlink}).
 *
 * <p>Where to start: {@link org.allod.linux.DetachedProcess} for processes, {@link org.allod.linux.DurableFiles} for
 * files, {@link org.allod.linux.Rtnetlink} for networks.
 *
 * <p>Thread rule: every type is safe from any thread unless it says otherwise. Methods block. {@link
 * org.allod.linux.ProcessExitWatcher} has a thread of its own, and {@link org.allod.linux.PlatformThreads} starts one
 * for each conversation over netlink. Depends on {@code base}.
 */
@NullMarked
package org.allod.linux;

import org.jspecify.annotations.NullMarked;
