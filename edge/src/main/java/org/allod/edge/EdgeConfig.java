package org.allod.edge;

import java.net.InetSocketAddress;
import java.time.Duration;

/**
 * The configuration of an edge.
 *
 * @param listen address for HTTP
 * @param https address for HTTPS, opened once a service needs it
 * @param domain what follows an app's name in its host names, without a leading dot, in lower case
 * @param region sent to machines in {@code fly-region}
 * @param threads event loops; 0 means one for each processor
 * @param nativeTransport epoll where it works, else NIO; false forces NIO
 */
public record EdgeConfig(
        InetSocketAddress listen,
        InetSocketAddress https,
        String domain,
        String region,
        int threads,
        boolean nativeTransport,
        Limits limits,
        Times times) {
    /**
     * Limits. Each keeps one client, app or machine from taking what others need.
     *
     * @param headBytes a request's or response's line and fields together; more is 431 (414 where the target alone is)
     * @param headFields maximum number of header fields
     * @param bufferedBytes bytes read ahead from a client whose request cannot be forwarded yet; at this limit reading
     *     stops
     * @param connections concurrent client connections
     * @param perAddress of these, from one IPv4 address or one IPv6 /64
     * @param heldRequests requests of one app that may wait for a machine at once
     * @param heldBytes the memory that these may take together
     * @param idlePerMachine idle connections kept open to one machine by each event loop
     */
    public record Limits(
            int headBytes,
            int headFields,
            int bufferedBytes,
            int connections,
            int perAddress,
            int heldRequests,
            long heldBytes,
            int idlePerMachine) {
        /**
         * The defaults: generous for people, small beside the memory of a host. All held requests of an app fit in 16
         * MiB.
         */
        public static Limits usual() {
            return new Limits(32 << 10, 100, 64 << 10, 10_000, 2_000, 512, 16 << 20, 128);
        }

        /** A copy with other limits on an app's held requests. */
        public Limits holding(int requests, long bytes) {
            return new Limits(
                    headBytes, headFields, bufferedBytes, connections, perAddress, requests, bytes, idlePerMachine);
        }

        /** A copy with other limits on clients. */
        public Limits connecting(int clients, int address) {
            return new Limits(
                    headBytes, headFields, bufferedBytes, clients, address, heldRequests, heldBytes, idlePerMachine);
        }
    }

    /**
     * Timeouts. They are checked four times a second, so each may take up to 250 ms longer.
     *
     * @param head from the first byte of a request's head (or from connecting) to its last
     * @param keepAlive between requests of one connection
     * @param idle without a byte in either direction while a request is under way
     * @param tunnelIdle the same, after an upgrade
     * @param hold how long a request may wait for a machine
     * @param connect how long to wait for a running machine to accept a connection
     * @param port how long a machine that runs, and was not woken by the edge, may refuse connections before the
     *     request fails; for one that was woken {@code hold} applies
     * @param pooled how long an idle connection to a machine is kept
     * @param halfClosed how long a client that has half-closed its connection may still receive its response; after
     *     that it counts as gone
     * @param drain how long {@link Edge#close} lets requests finish
     * @param idleGrace how long a machine stays up after its last request
     * @param autostopEvery how often the edge looks for idle machines
     */
    public record Times(
            Duration head,
            Duration keepAlive,
            Duration idle,
            Duration tunnelIdle,
            Duration hold,
            Duration connect,
            Duration port,
            Duration pooled,
            Duration halfClosed,
            Duration drain,
            Duration idleGrace,
            Duration autostopEvery) {
        /**
         * The defaults. {@code pooled} is below the 5 s after which common servers close an idle connection, so that
         * the edge closes first and no request is sent on a connection that is closing.
         */
        public static Times usual() {
            return new Times(
                    Duration.ofSeconds(10),
                    Duration.ofSeconds(75),
                    Duration.ofSeconds(60),
                    Duration.ofHours(1),
                    Duration.ofSeconds(30),
                    Duration.ofSeconds(2),
                    Duration.ofSeconds(5),
                    Duration.ofSeconds(4),
                    Duration.ofSeconds(1),
                    Duration.ofSeconds(10),
                    Duration.ofMinutes(5),
                    Duration.ofSeconds(30));
        }

        /** A copy with other timeouts for clients. */
        public Times clients(Duration newHead, Duration newKeepAlive, Duration newIdle) {
            return new Times(
                    newHead,
                    newKeepAlive,
                    newIdle,
                    tunnelIdle,
                    hold,
                    connect,
                    port,
                    pooled,
                    halfClosed,
                    drain,
                    idleGrace,
                    autostopEvery);
        }

        /** A copy with other timeouts for machines. */
        public Times machines(Duration newHold, Duration newConnect, Duration newPort) {
            return new Times(
                    head,
                    keepAlive,
                    idle,
                    tunnelIdle,
                    newHold,
                    newConnect,
                    newPort,
                    pooled,
                    halfClosed,
                    drain,
                    idleGrace,
                    autostopEvery);
        }

        /** A copy with other autostop intervals. */
        public Times sleeping(Duration grace, Duration every) {
            return new Times(
                    head, keepAlive, idle, tunnelIdle, hold, connect, port, pooled, halfClosed, drain, grace, every);
        }
    }

    /** An edge for {@code APP.localhost} with the default limits. */
    public static EdgeConfig at(InetSocketAddress listen) {
        return new EdgeConfig(listen, beside(listen), "localhost", "local", 0, true, Limits.usual(), Times.usual());
    }

    /** The HTTPS address beside an HTTP one: port 443 beside 80, else 8443. */
    private static InetSocketAddress beside(InetSocketAddress listen) {
        return new InetSocketAddress(listen.getAddress(), listen.getPort() == 80 ? 443 : 8443);
    }

    /** What follows the host in an HTTPS URL of this edge: empty for port 443. */
    String httpsSuffix() {
        return https.getPort() == 443 ? "" : ":" + https.getPort();
    }

    public EdgeConfig withHttps(InetSocketAddress other) {
        return new EdgeConfig(listen, other, domain, region, threads, nativeTransport, limits, times);
    }

    public EdgeConfig withDomain(String other) {
        return new EdgeConfig(listen, https, other, region, threads, nativeTransport, limits, times);
    }

    public EdgeConfig withRegion(String other) {
        return new EdgeConfig(listen, https, domain, other, threads, nativeTransport, limits, times);
    }

    public EdgeConfig withThreads(int count) {
        return new EdgeConfig(listen, https, domain, region, count, nativeTransport, limits, times);
    }

    public EdgeConfig withNio() {
        return new EdgeConfig(listen, https, domain, region, threads, false, limits, times);
    }

    public EdgeConfig with(Limits other) {
        return new EdgeConfig(listen, https, domain, region, threads, nativeTransport, other, times);
    }

    public EdgeConfig with(Times other) {
        return new EdgeConfig(listen, https, domain, region, threads, nativeTransport, limits, other);
    }
}
