package org.allod.edge;

/** What all event loops of an edge share. */
interface EdgeContext {
    EdgeConfig config();

    EdgeCounters metrics();

    MachineWaker wakes();

    RouteTable routes();

    CustomHosts hosts();

    boolean closing();

    /** The app that a Host field refers to, or the empty string. */
    default String app(String host) {
        String app = HostName.app(host, config().domain());
        return app.isEmpty() ? hosts().app(HostName.bare(host)) : app;
    }

    /** Re-routes the held requests of every loop. */
    void nudgeAll();
}
