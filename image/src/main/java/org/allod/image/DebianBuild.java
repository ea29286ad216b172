package org.allod.image;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.DigestOutputStream;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.allod.base.RejectedException;
import org.allod.image.ImageStore.BuildSpec;
import org.allod.image.ImageStore.Progress;

/**
 * Builds an OCI layout from Debian packages: mmdebstrap installs them into a private folder, files that differ between
 * runs are removed, files of the host are added, and the result becomes one layer.
 *
 * <p>There are two modes. If every package is a static program ({@code *-static}), the packages are only unpacked, and
 * the image holds little else. Otherwise Debian's essential packages are installed too, because maintainer scripts rely
 * on them.
 *
 * <p>The same packages and files give the same digest: docs/decisions/043.
 */
final class DebianBuild {
    /** The latest time of any file, 2020-01-01: the build date must not affect the digest. */
    static final long EPOCH = 1_577_836_800L;

    private static final int MINUTES = 30;
    private static final int PACKAGES = 500;
    private static final Pattern PACKAGE = Pattern.compile("[a-z0-9][a-z0-9.+-]{1,127}");
    private static final Pattern UNKNOWN = Pattern.compile("Unable to locate package (\\S+)");
    private static final Pattern STEP = Pattern.compile("I: (.*?)\\.*");

    private final ImageStoreConfig settings;
    private final BuildSpec spec;

    DebianBuild(ImageStoreConfig settings, BuildSpec spec) {
        this.settings = settings;
        this.spec = spec;
        if (spec.packages().size() > PACKAGES) {
            throw RejectedException.invalid("an image is built from at most " + PACKAGES + " packages");
        }
        for (String name : spec.packages()) {
            if (!PACKAGE.matcher(name).matches()) {
                throw RejectedException.invalid(
                        "\"" + UntrustedText.printable(name) + "\" is no name of a Debian package");
            }
        }
        for (String variable : spec.env()) {
            if (variable.indexOf('=') < 1 || variable.indexOf(0) >= 0) {
                throw RejectedException.invalid(
                        "\"" + UntrustedText.printable(variable) + "\" is not of the form NAME=VALUE");
            }
        }
        for (int port : spec.exposedPorts()) {
            if (port < 1 || port > 65535) {
                throw RejectedException.invalid("there is no port " + port);
            }
        }
    }

    /** Builds in {@code room} and returns the layout's folder in it. */
    Path layout(Path room, Progress progress) throws IOException, InterruptedException {
        HostFileCopier copies = new HostFileCopier(spec.copies());
        RootfsTree tree = new RootfsTree(settings.limits());
        FileContentStore contents = new FileContentStore(room.resolve("build"));
        boolean bare = spec.packages().stream().allMatch(name -> name.endsWith("-static"));
        if (!spec.packages().isEmpty()) {
            Path tar = install(bare, room, progress);
            progress.at("build", "reading the result", 0, 0);
            try (InputStream in = new BufferedInputStream(Files.newInputStream(tar), 1 << 16)) {
                new LayerApplier(tree, contents).apply(in, 0);
            }
            Files.delete(tar);
        }
        RootfsCleaner.trim(tree);
        if (bare) {
            StaticRootfs.complete(tree, contents);
        }
        copies.copyInto(tree, contents);
        progress.at("build", "writing the image", 0, 0);
        return write(tree, contents, room);
    }

    private Path install(boolean bare, Path room, Progress progress) throws IOException, InterruptedException {
        ToolRunner.require("mmdebstrap", "mmdebstrap", "build images from Debian packages");
        String suite = suite();
        Path tar = room.resolve("root.tar");
        List<String> command = new ArrayList<>(List.of("mmdebstrap", "--mode=root", "--format=tar"));
        command.add("--variant=" + (bare ? "extract" : "essential"));
        command.add("--include=" + String.join(",", spec.packages()));
        command.add("--aptopt=APT::Sandbox::User \"root\""); // apt's own user cannot enter the private folder
        command.add("--dpkgopt=force-unsafe-io"); // a crash discards the folder, so nothing needs to be synced
        command.add("--aptopt=Acquire::Retries \"3\"");
        for (String path : RootfsCleaner.DOCUMENTATION) {
            command.add("--dpkgopt=path-exclude=/" + path + "/*");
        }
        command.add("--dpkgopt=path-include=/usr/share/doc/*/copyright");
        command.addAll(List.of(suite, tar.toString()));
        command.addAll(AptSources.find(settings.apt(), suite, room));
        Map<String, String> env = Map.of(
                "SOURCE_DATE_EPOCH",
                Long.toString(EPOCH),
                "TMPDIR",
                room.toString(),
                "LC_ALL",
                "C.UTF-8",
                "DEBIAN_FRONTEND",
                "noninteractive");
        int[] steps = {0};
        try {
            ToolRunner.run(command, room, env, true, MINUTES, line -> {
                var step = STEP.matcher(line);
                if (step.matches()) {
                    progress.at("build", step.group(1), ++steps[0], 0);
                }
            });
        } catch (ToolException e) {
            for (String line : e.lines()) {
                var unknown = UNKNOWN.matcher(line);
                if (unknown.find()) {
                    throw RejectedException.because(
                            RejectedException.Reason.NOT_FOUND,
                            "Debian " + suite + " has no package " + UntrustedText.printable(unknown.group(1)),
                            "apt-cache search finds names of packages");
                }
            }
            throw e;
        }
        return tar;
    }

    private Path write(RootfsTree tree, FileContentStore contents, Path room) throws IOException {
        Path layer = room.resolve("layer.tar");
        MessageDigest sha = Digest.sha256();
        try (OutputStream file = new BufferedOutputStream(Files.newOutputStream(layer), 1 << 16);
                OutputStream out = new DigestOutputStream(file, sha)) {
            LayerWriter.write(tree, contents, EPOCH, out);
        }
        StagingFiles.remove(contents.path());
        Image.Config config =
                new Image.Config(List.of(), spec.cmd(), environment(), "", "", spec.exposedPorts(), "", List.of());
        return OciLayoutWriter.write(room.resolve("layout"), layer, Digest.of(sha), config, settings.platform());
    }

    /** Adds a search path unless the caller sets one: programs started without a shell need it too. */
    private List<String> environment() {
        List<String> env = new ArrayList<>();
        if (spec.env().stream().noneMatch(variable -> variable.startsWith("PATH="))) {
            env.add("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
        }
        env.addAll(spec.env());
        return env;
    }

    private static String suite() throws IOException {
        for (String line : Files.readAllLines(Path.of("/etc/os-release"))) {
            if (line.startsWith("VERSION_CODENAME=")) {
                return line.substring(line.indexOf('=') + 1).replace("\"", "").trim();
            }
        }
        throw RejectedException.because(
                RejectedException.Reason.UNSUPPORTED,
                "this host does not say which Debian it is (no VERSION_CODENAME in /etc/os-release)",
                "build the image on Debian and import it: allod image import");
    }
}
