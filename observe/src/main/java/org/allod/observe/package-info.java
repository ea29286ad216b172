/**
 * What the host can tell about itself, for tools that already exist: today the page that Prometheus reads.
 *
 * <p>Rooms keep their own counts and give them out as records; the assembly turns each into a {@link
 * org.allod.observe.MetricsSource}, and {@link org.allod.observe.PrometheusEndpoint} asks them all when somebody looks. Nothing is
 * counted twice and nothing is sampled while nobody looks.
 *
 * <p>Thread rule: a page may be asked for on any thread, several at once. Depends on the Prometheus client's model and
 * its text formats only.
 */
@NullMarked
package org.allod.observe;

import org.jspecify.annotations.NullMarked;
