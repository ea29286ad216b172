package org.allod.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import org.allod.base.FailedException;
import org.allod.runtime.GuestKernel;

/** {@code allod setup}: installs everything a host needs. Skips what is done already. */
final class SetupCommand {
    /** One item that was checked, and the result. */
    private record Line(String name, String state, String detail) {}

    private final CommandContext context;
    private final boolean check;
    private final List<Line> lines = new ArrayList<>();

    private SetupCommand(CommandContext context, boolean check) {
        this.context = context;
        this.check = check;
    }

    static int run(CommandContext context) {
        SetupCommand setup = new SetupCommand(context, context.given().flag("--check"));
        setup.all(context.given().flag("--for-tests"));
        boolean ready = setup.lines.stream().noneMatch(line -> line.state().equals("missing"));
        if (context.json()) {
            context.print(Json.obj(
                    "ready",
                    ready,
                    "steps",
                    setup.lines.stream()
                            .map(line -> Json.obj("name", line.name(), "state", line.state(), "detail", line.detail()))
                            .toList()));
        }
        return ready ? ExitCode.DONE : ExitCode.FAILED;
    }

    /** For {@code up}: prints only what it had to do. */
    static void ensure(CommandContext context) {
        new SetupCommand(context, false).all(false);
    }

    private void all(boolean forTests) {
        packages("Debian packages", DebianPackages.TO_RUN);
        if (forTests) {
            packages("Debian packages for the tests", DebianPackages.TO_TEST);
            step("cargo", LocalSystem.program("cargo").isPresent(), () -> {
                DebianPackages.install(List.of(new DebianPackages.Need("cargo", "tests the guest's PID 1", "")));
                return "installed, to test the guest's PID 1";
            });
        }
        Path tools = context.data().resolve("tools");
        if (!check) {
            try {
                Files.createDirectories(tools);
            } catch (IOException e) {
                throw new FailedException(
                        "cannot make the folder " + tools + ": " + e + "\n  run it as root, or choose another"
                                + " folder with --data",
                        e);
            }
        }
        GuestBinaryBuilder guest = new GuestBinaryBuilder(tools);
        step("guest PID 1", guest.isThere(), () -> guest.get(context.console()));
        GuestKernel kernel = new GuestKernel(tools);
        step("guest kernel", kernel.present(), () -> {
            kernel.install(doing -> context.console().progress(doing, ""));
            return kernel.release() + ", unpacked, not installed";
        });
        if (forTests) {
            TestClients clients = new TestClients(tools);
            step("clients for the tests", clients.isThere(), () -> clients.get(context.console()));
            DebianRunsc debian = new DebianRunsc(tools);
            step("Debian's runsc for the tests", debian.isThere(), () -> debian.get(context.console()));
        }
        RunscInstaller runsc = new RunscInstaller(tools);
        step(
                "runsc (gVisor)",
                runsc.isThere(),
                () -> runsc.get(context.console())
                        .orElse(
                                "none to be had here: machines run as microVMs only; install runsc from gVisor's own packages"));
    }

    private void packages(String name, List<DebianPackages.Need> needs) {
        List<DebianPackages.Need> missing = DebianPackages.missing(needs);
        if (check && !missing.isEmpty()) {
            missing.forEach(need -> say(new Line(need.name(), "missing", need.reason())));
            return;
        }
        step(name, missing.isEmpty(), () -> {
            missing.forEach(need -> context.console().note("  " + need.name() + ": " + need.reason()));
            context.console().progress("installing " + missing.size() + " packages", "");
            DebianPackages.install(missing);
            return missing.size() + " installed";
        });
    }

    /** Reports an item that exists, or creates it. */
    private void step(String name, boolean there, Supplier<String> make) {
        if (there) {
            say(new Line(name, "ok", "there"));
        } else if (check) {
            say(new Line(name, "missing", "`allod setup` gets it"));
        } else {
            say(new Line(name, "done", make.get()));
        }
    }

    private void say(Line line) {
        lines.add(line);
        boolean told =
                context.json() || (line.state().equals("ok") && !context.given().flag("--check"));
        if (!told) {
            context.console()
                    .note("  " + line.state() + " ".repeat(9 - line.state().length()) + line.name() + ": "
                            + line.detail());
        }
    }
}
