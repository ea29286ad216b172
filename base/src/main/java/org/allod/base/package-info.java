/**
 * What every other room uses: clocks, timers, supervised threads and loops, seeded randomness, identifiers and the
 * three kinds of error ({@link RejectedException}, {@link FailedException}, {@link Bug}).
 *
 * <p>Nothing here does I/O. This is the only room that may read the system's clock or its randomness ({@link
 * SystemClock}, {@link Rng#system()}); every other room gets them passed in, so that the same code runs in a
 * simulation. An architecture test enforces that.
 *
 * <p>Where to start: {@link Clock}, {@link Timers}, {@link SupervisedThread}.
 *
 * <p>Thread rule: every type is safe from any thread unless it says otherwise. Depends on no other room.
 */
@NullMarked
package org.allod.base;

import org.jspecify.annotations.NullMarked;
