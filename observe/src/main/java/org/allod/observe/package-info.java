/**
 * The host's metrics in the format that Prometheus reads.
 *
 * <p>Every room keeps its own counts and returns them as records. {@code host} turns each into a {@link
 * org.allod.observe.MetricsSource}, and {@link org.allod.observe.PrometheusEndpoint} asks all sources at each scrape.
 * So nothing is counted twice, and nothing is sampled between scrapes. Start reading with the endpoint.
 *
 * <p>Thread rule: any thread may ask for a page, several at once. Depends only on the Prometheus client's model and
 * text formats.
 */
@NullMarked
package org.allod.observe;

import org.jspecify.annotations.NullMarked;
