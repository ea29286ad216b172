/**
 * What random tests share; part of no distribution. In the suite a random test is short and always uses the same seed,
 * so that a failure comes from the change that shows it. {@code ./allod soak} runs the same test for as long as wanted,
 * from another seed.
 */
@NullMarked
package org.allod.soak;

import org.jspecify.annotations.NullMarked;
