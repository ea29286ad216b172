/**
 * Benchmarks, each beside its floor: the same work done with as little as possible, measured in the same run, so that a
 * figure is meaningful on any machine. {@code ./allod bench NAME} runs one.
 *
 * <p>A benchmark runs the real product, prints the median of several runs with their range, and says what it compared.
 * Nothing here is part of the product. Start reading at {@link org.allod.bench.Bench}, the list of benchmarks; {@code
 * BenchDaemon} is the daemon that most of them use. Thread rule: a benchmark owns its process.
 */
@NullMarked
package org.allod.bench;

import org.jspecify.annotations.NullMarked;
