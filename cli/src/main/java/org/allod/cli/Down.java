package org.allod.cli;

import java.util.List;
import java.util.Optional;
import org.allod.base.Rejected;

/**
 * {@code allod down}: ends the daemon. Machines go on, and are found again by the next {@code up}; with {@code
 * --machines} they are stopped, and nothing of this host's cloud is left in the kernel.
 */
final class Down {
    private Down() {}

    static int run(Session session) {
        Daemon daemon = new Daemon(new Address.Unix(session.socket()));
        Optional<Long> said = Optional.empty();
        try {
            said = Optional.of(daemon.get("/v1/host/status").at("pid").number(-1))
                    .filter(pid -> pid > 0);
            if (session.given().flag("--machines")) {
                stopMachines(session, daemon);
                daemon.post("/v1/host/clear-at-end", Json.obj());
            }
        } catch (NoDaemon e) {
            if (session.given().flag("--machines")) {
                throw e;
            }
        }
        Optional<ProcessHandle> process = new DaemonProcess(session).running(said);
        if (process.isPresent()) {
            if (DaemonProcess.isUnit(process.orElseThrow())) {
                throw Rejected.because(
                        Rejected.Reason.CONFLICT,
                        "this daemon is kept by systemd, which would start it again",
                        "stop the unit: systemctl stop allod");
            }
            session.screen().progress("stopping the daemon", "");
            DaemonProcess.stop(process.orElseThrow());
        }
        if (session.json()) {
            session.print(Json.obj("stopped", process.isPresent()));
        } else {
            session.screen()
                    .line(
                            process.isPresent()
                                    ? "the daemon has stopped"
                                            + (session.given().flag("--machines") ? "" : "; machines go on")
                                    : "no daemon runs in " + session.data());
        }
        return ExitCode.DONE;
    }

    /** All are told before the first is waited for. */
    private static void stopMachines(Session session, Daemon daemon) {
        List<Found> started = Found.in(daemon, "started");
        for (Found machine : started) {
            daemon.post(machine.path() + "/stop", Json.obj());
        }
        for (Found machine : started) {
            session.screen().progress("stopping " + machine.name(), "");
            Lifecycle.await(session, daemon, machine, "stopped", 60);
        }
    }
}
