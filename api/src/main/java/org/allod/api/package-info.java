/**
 * The daemon's HTTP API: a table of endpoints, who may call them, and the form of errors.
 *
 * <p>{@link org.allod.api.ApiServer} serves one {@link org.allod.api.EndpointTable} on TCP (bearer token) and on a Unix
 * socket (the peer's user id). An endpoint is a record whose handler is plain blocking code; {@code openapi.json} is
 * generated from the same table, so the two cannot differ.
 *
 * <p>Start reading at {@code RequestAggregator}, which authenticates a request's head and collects its body, then {@code
 * ApiConnection}, {@code Dispatcher} (rate limits, routing, {@code Authorizer}, errors) and one endpoint class, such as
 * {@link org.allod.api.MachineEndpoints}.
 *
 * <p>The connections of each listener share a {@link org.allod.api.ServingPool} of their own (event loop, memory budgets,
 * connections, threads), so that load over TCP cannot keep the operator's socket from being served; {@link
 * org.allod.api.ApiConfig} lists the limits.
 *
 * <p>Thread rule: an event loop owns its connections and only moves bytes; handlers run on virtual threads, and for the
 * Unix socket on platform threads. Depends on {@code machine}, {@code deploy}, {@code trust} and what is below them.
 */
@NullMarked
package org.allod.api;

import org.jspecify.annotations.NullMarked;
