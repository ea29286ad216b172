/**
 * The daemon's HTTP interface: a table of endpoints, who may call them, and how errors look.
 *
 * <p>{@link org.allod.api.ApiServer} serves one {@link org.allod.api.EndpointTable} on TCP (bearer token) and on a Unix
 * socket (the peer's user id). An endpoint is a record and its handler plain blocking code on a virtual thread; the
 * table is also what {@code openapi.json} is generated from, so the two cannot part.
 *
 * <p>What each listener's connections share (event loop, memory, places, threads) is a {@link org.allod.api.ServingPool}
 * of its own: {@link org.allod.api.ApiConfig} lists the bounds.
 *
 * <p>Thread rule: Netty's event loops only move bytes; everything else runs on virtual threads, and for the Unix socket on
 * platform threads. Depends on {@code
 * machine} and what is below it.
 */
@NullMarked
package org.allod.api;

import org.jspecify.annotations.NullMarked;
