package org.allod.edge;

import java.net.InetSocketAddress;
import java.time.Duration;

/**
 * How an edge is set up.
 *
 * @param listen where to take requests
 * @param https where to take requests over TLS, once a service wants it
 * @param domain what comes after an app's name in its host names, without a leading dot, in lower case
 * @param region told to machines in {@code fly-region}
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
     * Bounds. Each keeps one client, app or machine from taking what others need.
     *
     * @param headBytes a request's or response's line and fields together; more is 431 (414 where the target alone is)
     * @param headFields how many fields
     * @param bufferedBytes what is read ahead of a client whose request cannot be forwarded yet; then reading stops
     * @param connections clients at once
     * @param perAddress of these from one IPv4 address or one IPv6 /64
     * @param heldRequests requests of one app that may wait for a machine at once
     * @param heldBytes and the memory they may take together
     * @param idlePerMachine unused connections kept open to one machine, by each event loop
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
        /** Generous for people, small beside the memory of a host: all held requests of an app fit in 16 MiB. */
        public static Limits usual() {
            return new Limits(32 << 10, 100, 64 << 10, 10_000, 2_000, 512, 16 << 20, 128);
        }

        /** This, with other bounds on what one app may have waiting. */
        public Limits holding(int requests, long bytes) {
            return new Limits(
                    headBytes, headFields, bufferedBytes, connections, perAddress, requests, bytes, idlePerMachine);
        }

        /** This, with other bounds on clients. */
        public Limits connecting(int clients, int address) {
            return new Limits(
                    headBytes, headFields, bufferedBytes, clients, address, heldRequests, heldBytes, idlePerMachine);
        }
    }

    /**
     * How long things may take. They are checked four times a second, so add up to 250 ms.
     *
     * @param head from the first byte of a request's head (or from connecting) to its last
     * @param keepAlive between requests of one connection
     * @param idle without a byte in either direction while a request is under way
     * @param tunnelIdle the same, after an upgrade
     * @param hold how long a request may wait for a machine
     * @param connect to wait for a running machine to take a connection
     * @param port how long a machine that runs, and was not woken by the edge, may refuse connections before the
     *     request fails; one that was woken has {@code hold}
     * @param pooled how long an unused connection to a machine is kept
     * @param halfClosed how long a client that will send no more may still be answered; after that it counts as gone
     * @param drain how long {@link Edge#close} lets requests finish
     * @param idleGrace how long a machine stays up after its last request
     * @param autostopEvery how often idle machines are looked for
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
         * Pooled is below the 5 s after which common servers close an idle connection, so that the edge closes first
         * and no request runs into a connection that is going away.
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

        /** This, with other patience towards clients. */
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

        /** This, with other patience towards machines. */
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

        /** This, with another rhythm of putting machines to sleep. */
        public Times sleeping(Duration grace, Duration every) {
            return new Times(
                    head, keepAlive, idle, tunnelIdle, hold, connect, port, pooled, halfClosed, drain, grace, every);
        }
    }

    /** An edge for {@code APP.localhost} with the usual bounds. */
    public static EdgeConfig at(InetSocketAddress listen) {
        return new EdgeConfig(listen, beside(listen), "localhost", "local", 0, true, Limits.usual(), Times.usual());
    }

    /** 443 beside 80, else 8443: as servers are usually put beside each other. */
    private static InetSocketAddress beside(InetSocketAddress listen) {
        return new InetSocketAddress(listen.getAddress(), listen.getPort() == 80 ? 443 : 8443);
    }

    /** What follows a host in an address of HTTPS here: nothing where the port is the usual one. */
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
