/**
 * The edge proxy: takes HTTP/1.1, WebSocket and raw TCP traffic, finds the app by host name or port, sends each request to
 * the least loaded of the app's machines, or wakes one and holds the request until it answers; and puts idle machines to
 * sleep. TLS ends here, with apps' certificates ({@link CustomHosts}) or the edge's own ({@link EdgeCertificates}). Files of
 * an app's image are served without a machine ({@link Statics}).
 *
 * <p>The assembly publishes a {@link Catalog} after each change and provides a {@link MachineController} to wake and stop
 * machines; the edge knows nothing else of Allod.
 *
 * {@snippet :
 * Edge edge = Edge.start(EdgeConfig.at(new InetSocketAddress("127.0.0.1", 8080)), machines, clock, timers, rng);
 * edge.publish(new Catalog(Map.of("hello", new CatalogApp("hello", List.of(backend)))));
 * }
 *
 * <p>Start reading at {@code Exchange}, which owns one request. {@code RequestPlan} decides whether the edge answers itself,
 * serves a file or needs a machine; {@code UpstreamAcquisition} asks {@code BackendSelector} for a machine, holds the request
 * and wakes machines ({@code MachineWaker}); {@code RequestForwarder} and {@code ResponseForwarder} move the bytes. {@code
 * AutostopLoop} is the other entry point.
 *
 * <p>Decisions are pure functions: {@code BackendSelector} and {@code AutostopPolicy} over a snapshot, {@code RequestPlan},
 * {@code ConditionalResponse} and {@code Compression} over a head; {@code RequestHead}, {@code ResponseHead} and {@code
 * BodyFraming} parse bytes and know no sockets.
 *
 * <p>Thread rule: a client's connection, its exchanges and the connections to machines that serve it belong to one event
 * loop, and only that loop's thread touches them ({@code EdgeLoop}). What loops share is immutable and replaced as a whole
 * ({@code RouteTable}, {@code CustomHosts}) or atomic ({@code BackendState}, {@code HoldLimit}, {@code EdgeCounters}). No
 * lock and no database is on the path of a request; files are read on virtual threads, which may block ({@code
 * StaticFileHandler}). {@link Edge} itself may be called from any thread.
 *
 * <p>Depends on {@code base} and Netty.
 */
@NullMarked
package org.allod.edge;

import org.jspecify.annotations.NullMarked;
