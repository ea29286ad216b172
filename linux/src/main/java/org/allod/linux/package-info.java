/**
 * What Linux gives: processes that outlive us, control groups, mounts, network namespaces, packet filters.
 *
 * <p>Tools ({@code ip}, {@code nft}, {@code mount}) do what they do well and take their work in batches; the few calls
 * that have no tool or are too hot for one go to the C library through {@link org.allod.linux.Libc}, the one file of
 * bindings, checked by hand against the kernel's headers. Nothing here knows what a machine is.
 *
 * <p>Thread rule: every type is safe for use from any thread unless it says otherwise. Methods block; only {@link
 * org.allod.linux.ProcessWatch} has a thread of its own. Depends on {@code base}.
 */
@NullMarked
package org.allod.linux;

import org.jspecify.annotations.NullMarked;
