package org.allod.host;

/**
 * Started by hand, in the root group, on a host without a service manager. Not part of the suite, because it is two minutes of
 * much the same: {@code -Dtest=CgroupsV2RootGroup} runs it.
 */
class CgroupsV2RootGroup extends CgroupsV2Host {
    @Override
    void start() throws Exception {
        host.shell("JAVA_TOOL_OPTIONS=-XX:TieredStopAtLevel=1 setsid /usr/lib/allod/allod host --data /var/lib/allod"
                + " --api 127.0.0.1:4280 --edge 127.0.0.1:8080 >> /run/daemon.log 2>&1 < /dev/null &");
    }

    @Override
    String group() {
        return "/";
    }

    @Override
    void killAndStart() throws Exception {
        host.shell("kill -9 $(pidof java)");
        awaitEnd();
        start();
    }

    private void awaitEnd() throws Exception {
        host.await("the daemon's end", () -> host.shell("pidof java || true").isEmpty());
    }

    /** There is nobody who could. */
    @Override
    void disturb() {}

    @Override
    void stop() throws Exception {
        host.shell("kill $(pidof java)");
        awaitEnd();
    }
}
