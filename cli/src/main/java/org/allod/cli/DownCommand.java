package org.allod.cli;

import java.util.List;
import java.util.Optional;
import org.allod.base.RejectedException;

/**
 * {@code allod down}: stops the daemon. Machines continue, and the next {@code up} adopts them; with {@code --machines}
 * they are stopped, and nothing of Allod is left in the kernel.
 */
final class DownCommand {
    private DownCommand() {}

    static int run(CommandContext context) {
        DaemonClient daemon = new DaemonClient(new DaemonAddress.Unix(context.socket()));
        Optional<Long> said = Optional.empty();
        try {
            said = Optional.of(daemon.get("/v1/host/status").at("pid").number(-1))
                    .filter(pid -> pid > 0);
            if (context.given().flag("--machines")) {
                stopMachines(context, daemon);
                daemon.post("/v1/host/clear-at-end", Json.obj());
            }
        } catch (DaemonUnreachableException e) {
            if (context.given().flag("--machines")) {
                throw e;
            }
        }
        Optional<ProcessHandle> process = new DaemonLauncher(context).running(said);
        if (process.isPresent()) {
            if (DaemonLauncher.isUnit(process.orElseThrow())) {
                throw RejectedException.because(
                        RejectedException.Reason.CONFLICT,
                        "this daemon is kept by systemd, which would start it again",
                        "stop the unit: systemctl stop allod");
            }
            context.console().progress("stopping the daemon", "");
            DaemonLauncher.stop(process.orElseThrow());
        }
        if (context.json()) {
            context.print(Json.obj("stopped", process.isPresent()));
        } else {
            context.console()
                    .line(
                            process.isPresent()
                                    ? "the daemon has stopped"
                                            + (context.given().flag("--machines") ? "" : "; machines go on")
                                    : "no daemon runs in " + context.data());
        }
        return ExitCode.DONE;
    }

    /** Sends all stop requests before waiting for the first. */
    private static void stopMachines(CommandContext context, DaemonClient daemon) {
        List<MachineRef> started = MachineRef.in(daemon, "started");
        for (MachineRef machine : started) {
            daemon.post(machine.path() + "/stop", Json.obj());
        }
        for (MachineRef machine : started) {
            context.console().progress("stopping " + machine.name(), "");
            StateCommands.await(context, daemon, machine, "stopped", 60);
        }
    }
}
