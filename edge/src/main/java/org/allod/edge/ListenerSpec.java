package org.allod.edge;

/**
 * A port of the edge, as configurations declare it, and the protocol spoken there.
 *
 * @param port as a service declares it; 80 is served at the edge's own address, 443 at its TLS address
 * @param tls whether the edge terminates TLS on it
 * @param raw empty for HTTP, where the host name selects the app; else the route of every connection
 */
public record ListenerSpec(int port, boolean tls, String raw) {
    /** The standard ports of HTTP and HTTPS, which all apps share. */
    public static final int HTTP = 80;

    public static final int HTTPS = 443;

    static final ListenerSpec MAIN = http(HTTP);

    public static ListenerSpec http(int port) {
        return new ListenerSpec(port, false, "");
    }

    public static ListenerSpec https(int port) {
        return new ListenerSpec(port, true, "");
    }

    /** Raw TCP: all bytes go to {@code route}. */
    public static ListenerSpec raw(int port, boolean tls, String route) {
        return new ListenerSpec(port, tls, route);
    }

    /** The name of an app's route for a port other than {@link #HTTP}. */
    public static String route(String app, int port) {
        return port == HTTP ? app : app + ":" + port;
    }
}
