/**
 * Equipment of tests: what random tests share. A test that draws from a seed is short in the suite, always from the same
 * seed, so that a failure there is a defect of the change that shows it; {@code ./allod soak} runs the same test for as
 * long as one likes, from a seed of its own. In no distribution.
 */
@NullMarked
package org.allod.soak;

import org.jspecify.annotations.NullMarked;
