package org.allod.host;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Started by systemd, from the unit that is shipped. Not part of the suite: an emulated host with an emulated service manager
 * takes two minutes on a quiet machine and any time on a crowded one. After `./allod setup`, {@code ./allod test --room host
 * -Dtest=CgroupsV2Systemd} runs it.
 */
class CgroupsV2Systemd extends CgroupsV2Host {
    @Override
    void start() throws Exception {
        host.shell("touch /run/systemd-next");
        // A first start finds out what works, by booting it, which may take longer than a unit is given to start.
        host.await(
                "the first start to tell what it is at",
                () -> host.shell("systemctl show -p StatusText allod || true").contains("by booting guests"));
        awaitActive("");
        assertThat(host.shell("systemctl show --value -p NRestarts allod")).isEqualTo("0\n");
    }

    /** @param before the number of a daemon that it must not be */
    private void awaitActive(String before) throws Exception {
        host.await(
                "the service",
                () -> host.shell("systemctl is-active allod || true").equals("active\n") && !pid().equals(before));
    }

    private String pid() throws Exception {
        return host.shell("systemctl show --value -p MainPID allod");
    }

    @Override
    String group() {
        return "/system.slice/allod.service";
    }

    @Override
    void killAndStart() throws Exception {
        String before = pid();
        host.shell("systemctl kill --signal=KILL --kill-whom=main allod");
        awaitActive(before);
    }

    /** systemd takes controllers away that no unit wants, and gives those to others that a unit wants. */
    @Override
    void disturb() throws Exception {
        host.shell("systemctl daemon-reload && systemd-run --quiet --unit=other -p MemoryMax=20M -p CPUQuota=10%"
                + " -p TasksMax=20 sleep 1000 && systemctl stop other && systemctl daemon-reload");
    }

    /** What was asked for is no failure. */
    @Override
    void stop() throws Exception {
        host.shell("systemctl stop allod");
        assertThat(host.shell("systemctl is-active allod || true")).isEqualTo("inactive\n");
    }
}
