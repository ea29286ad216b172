package org.allod.edge;

/**
 * A port of the edge, as configurations name it, and what is spoken there.
 *
 * @param port what a service names; 80 is served at the edge's own address, 443 at its TLS address
 * @param tls whether clients speak TLS, which ends here
 * @param raw empty where HTTP is spoken and the host name says which app; else the route that every connection takes
 */
public record ListenerSpec(int port, boolean tls, String raw) {
    /** What a service means by plain HTTP, and by HTTPS: both are shared by all apps. */
    public static final int HTTP = 80;

    public static final int HTTPS = 443;

    static final ListenerSpec MAIN = http(HTTP);

    public static ListenerSpec http(int port) {
        return new ListenerSpec(port, false, "");
    }

    public static ListenerSpec https(int port) {
        return new ListenerSpec(port, true, "");
    }

    /** Whatever the bytes are, they go to {@code route}. */
    public static ListenerSpec raw(int port, boolean tls, String route) {
        return new ListenerSpec(port, tls, route);
    }

    /** The name of an app's route for a port other than {@link #HTTP}. */
    public static String route(String app, int port) {
        return port == HTTP ? app : app + ":" + port;
    }
}
