/**
 * The ground everything stands on: clocks, timers, supervised threads and loops, seeded randomness, identifiers and
 * the three kinds of error.
 *
 * <p>Nothing here does I/O. This is the only room that may read the system's clock or its randomness
 * ({@link SystemClock}, {@link Rng#system()}); every other room has them passed in, so that the same code runs in a
 * simulation. A test of the house enforces it.
 *
 * <p>Thread rule: every type here is safe for use from any thread unless it says otherwise. Depends on nothing.
 */
@NullMarked
package org.allod.base;

import org.jspecify.annotations.NullMarked;
