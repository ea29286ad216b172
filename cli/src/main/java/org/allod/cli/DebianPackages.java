package org.allod.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.allod.base.FailedException;
import org.allod.base.RejectedException;
import org.allod.linux.Command;

/** The Debian packages that Allod needs, why, and how to install them. */
final class DebianPackages {
    /**
     * One package.
     *
     * @param reason what does not work without it
     * @param service the service it would start, which is kept from running
     */
    record Need(String name, String reason, String service) {}

    static final List<Need> TO_RUN = List.of(
            new Need("qemu-system-x86", "runs microVMs", ""),
            new Need("qemu-utils", "makes encrypted volumes", ""),
            new Need("mmdebstrap", "makes images from Debian packages", ""),
            new Need("erofs-utils", "packs an image's layers into one read-only file system", ""),
            new Need("e2fsprogs", "makes each machine's writable disk", ""),
            new Need("nftables", "keeps the machines' networks apart", ""),
            new Need("util-linux", "enters namespaces, mounts images", ""));

    static final List<Need> TO_TEST = List.of(
            new Need("docker-registry", "a real registry to pull from", "docker-registry"),
            new Need("skopeo", "puts images into that registry", ""),
            new Need("apache2-utils", "makes the password file of a registry that asks for one", ""),
            new Need("haproxy", "what the edge is measured against", "haproxy"),
            new Need("nginx-light", "a web server that is not ours", "nginx"),
            new Need("wrk", "makes requests, many", ""),
            new Need("prometheus", "its promtool checks the metrics page", "prometheus"),
            new Need("busybox-static", "a whole userland in one file, for small images", ""),
            new Need("iproute2", "another's eye on the machines' networks", ""),
            new Need("xfsprogs", "makes the full disk that tests need", ""),
            new Need("npm", "installs existing clients of the Machines API", ""),
            new Need("strace", "counts what is really flushed", ""),
            new Need("systemd", "checks the unit file, and runs it on an emulated host", ""));

    private static final Path POLICY = Path.of("/usr/sbin/policy-rc.d");
    private static final Duration INSTALL = Duration.ofMinutes(20);

    private DebianPackages() {}

    /** The packages of {@code needs} that are not installed. */
    static List<Need> missing(List<Need> needs) {
        if (!Files.isExecutable(Path.of("/usr/bin/dpkg-query"))) {
            throw RejectedException.because(
                    RejectedException.Reason.UNSUPPORTED,
                    "this is not a Debian system, and setup supports only Debian packages",
                    "install the equivalents of these packages yourself: "
                            + String.join(", ", needs.stream().map(Need::name).toList()));
        }
        List<String> argv = new ArrayList<>(List.of("dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\\n"));
        needs.forEach(need -> argv.add(need.name()));
        // Exit code 1 only says that some packages are unknown; those are missing.
        Set<String> installed = new HashSet<>();
        Command.of(argv)
                .run()
                .out()
                .lines()
                .map(line -> line.split(" "))
                .filter(w -> w.length == 2)
                .forEach(w -> {
                    if (w[1].equals("installed")) {
                        installed.add(w[0]);
                    }
                });
        return needs.stream()
                .filter(need -> !installed.contains(need.name()) && !byOtherMeans(need))
                .toList();
    }

    /** NodeSource's packages include npm and conflict with Debian's: an npm that is present is used. */
    private static boolean byOtherMeans(Need need) {
        return need.name().equals("npm") && Files.isExecutable(Path.of("/usr/bin/npm"));
    }

    /** Installs them, and leaves none of their services running or enabled. */
    static void install(List<Need> missing) {
        String names = String.join(" ", missing.stream().map(Need::name).toList());
        if (!LocalSystem.isRoot()) {
            throw RejectedException.because(
                    RejectedException.Reason.FORBIDDEN,
                    "installing packages needs root, and this user is not: missing are " + names,
                    "run it as root, or install them yourself: apt-get install " + names);
        }
        boolean ours = forbidServices();
        try {
            Command.Result result = apt("install", names);
            if (result.exit() != 0) {
                // The package lists may be old or missing; one update is enough.
                Command.Result update = apt("update", "");
                result = apt("install", names);
                if (result.exit() != 0) {
                    throw new FailedException("installing the Debian packages " + names + " failed: "
                            + lastLines(update.exit() == 0 ? result : update)
                            + "\n  check that the network is up and that apt works: apt-get update");
                }
            }
        } finally {
            if (ours) {
                allowServices();
            }
        }
        for (Need need : missing) {
            if (!need.service().isEmpty() && Files.isExecutable(Path.of("/usr/bin/systemctl"))) {
                Command.of("systemctl", "disable", "--quiet", need.service()).run();
            }
        }
    }

    private static Command.Result apt(String verb, String names) {
        List<String> argv = new ArrayList<>(List.of(
                "env",
                "DEBIAN_FRONTEND=noninteractive",
                "apt-get",
                verb,
                "-q",
                "-y",
                "-o",
                "DPkg::Lock::Timeout=120",
                "-o",
                "Dpkg::Use-Pty=0"));
        if (verb.equals("install")) {
            argv.add("--no-install-recommends");
            argv.addAll(Arrays.asList(names.split(" ")));
        }
        return Command.of(argv).timeout(INSTALL).run();
    }

    private static String lastLines(Command.Result result) {
        List<String> lines = (result.out() + "\n" + result.err())
                .lines()
                .filter(line -> line.startsWith("E:") || line.startsWith("Err:") || line.startsWith("W:"))
                .toList();
        return String.join("; ", lines.subList(Math.max(0, lines.size() - 4), lines.size()));
    }

    /** Writes the file that tells Debian whether an installed service may start. An existing one is left unchanged. */
    private static boolean forbidServices() {
        if (Files.exists(POLICY)) {
            return false;
        }
        try {
            Files.writeString(POLICY, "#!/bin/sh\n# Written by `allod setup` while it installs packages.\nexit 101\n");
            Files.setPosixFilePermissions(POLICY, PosixFilePermissions.fromString("rwxr-xr-x"));
            return true;
        } catch (IOException e) {
            throw new FailedException(
                    "cannot write " + POLICY + ", which keeps installed services from starting: " + e, e);
        }
    }

    private static void allowServices() {
        try {
            Files.deleteIfExists(POLICY);
        } catch (IOException e) {
            throw new FailedException(
                    "cannot remove " + POLICY + ": remove it, or no service starts when installed", e);
        }
    }
}
