/**
 * The edge: takes HTTP/1.1 and WebSocket traffic for any app by host name, finds the least loaded of its machines, or
 * wakes one and holds the request until it answers; and puts idle machines back to sleep. TLS ends here, with the
 * certificates that apps bring ({@link CustomHosts}) or the edge's own ({@link EdgeCertificates}); files of an app's image
 * are served without a machine ({@link Statics}).
 *
 * <p>The assembly hands it a {@link Catalog} whenever anything changed and a {@link MachineController} to wake and stop them
 * with; it knows nothing else of the house.
 *
 * {@snippet :
 * Edge edge = Edge.start(EdgeConfig.at(new InetSocketAddress("127.0.0.1", 8080)), machines, clock, timers, rng);
 * edge.publish(Catalog.of(List.of(new App("hello", List.of(backend)))));
 * }
 *
 * <p>Decisions are pure: {@code BackendSelector} and {@code AutostopPolicy} are functions over a snapshot, {@code RequestPlan},
 * {@code ConditionalResponse} and {@code Compression} over a head; {@code RequestHead}, {@code ResponseHead} and {@code BodyFraming} read
 * bytes and know no sockets. What is around them does the I/O: an {@code Exchange} for each request, which waits in a
 * {@code UpstreamAcquisition} and then goes to its machine by {@code RequestForwarder}.
 *
 * <p>Thread rule: a client's connection, its exchanges and the connections to machines that serve it live on one event
 * loop and are touched by that loop's thread alone ({@code EdgeLoop}). What loops share is immutable and swapped whole
 * ({@code RouteTable}, {@code CustomHosts}) or atomic ({@code BackendState}, {@code HoldLimit}, {@code EdgeCounters}). No lock and no database is on the path
 * of a request; files are read on virtual threads, which may block ({@code StaticFileHandler}). {@link Edge} itself may be called from any thread.
 *
 * <p>Depends on {@code base} and Netty.
 */
@NullMarked
package org.allod.edge;

import org.jspecify.annotations.NullMarked;
