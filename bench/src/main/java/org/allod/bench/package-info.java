/**
 * Benchmarks, each beside its floor: the same work done with as little as possible, measured in the same run, so that a
 * figure means something on whatever machine it was taken. {@code ./allod bench NAME} runs one.
 *
 * <p>A benchmark runs the real thing, prints the median of several runs with their range, and says what it compared.
 * Nothing here is on a product's path. Thread rule: a benchmark owns its process.
 */
@NullMarked
package org.allod.bench;

import org.jspecify.annotations.NullMarked;
