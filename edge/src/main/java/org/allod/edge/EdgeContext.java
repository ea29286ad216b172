package org.allod.edge;

/** What all event loops of an edge have in common. */
interface EdgeContext {
    EdgeConfig config();

    EdgeCounters metrics();

    MachineWaker wakes();

    RouteTable routes();

    CustomHosts hosts();

    boolean closing();

    /** The app that a Host field means, or the empty string. */
    default String app(String host) {
        String app = HostName.app(host, config().domain());
        return app.isEmpty() ? hosts().app(HostName.bare(host)) : app;
    }

    /** Lets requests of every loop that wait look again. */
    void nudgeAll();
}
