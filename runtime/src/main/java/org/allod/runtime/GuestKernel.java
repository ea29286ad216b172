package org.allod.runtime;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.allod.base.FailedException;
import org.allod.linux.Command;

/**
 * The kernel that microVMs boot: the distribution's cloud kernel, extracted from its package and never installed on the
 * host. {@code tools/kernel} holds {@code vmlinuz}, {@code modules/} and {@code release}.
 */
public final class GuestKernel {
    /** The package that always depends on the current cloud kernel, so no version is fixed here. */
    private static final String PACKAGE = "linux-image-cloud-" + architecture();

    /** The modules a microVM needs; their dependencies are added. Built-in ones need no file. */
    static final List<String> WANTED = List.of(
            "virtio_pci", "virtio_blk", "virtio_console", "erofs", "overlay", "ext4", "virtio_net", "virtio_balloon");

    private static final Duration DOWNLOAD = Duration.ofMinutes(10);

    private final Path folder;

    /** @param tools the folder of the bundled tools */
    public GuestKernel(Path tools) {
        this.folder = tools.resolve("kernel");
    }

    public boolean present() {
        return Files.exists(vmlinuz()) && Files.exists(folder.resolve("release"));
    }

    Path vmlinuz() {
        return folder.resolve("vmlinuz");
    }

    /** The kernel's release, as {@code uname -r} prints inside. */
    public String release() {
        try {
            return Files.readString(folder.resolve("release")).strip();
        } catch (IOException e) {
            throw new FailedException("there is no kernel for guests in " + folder + ": run `allod setup`", e);
        }
    }

    /**
     * Downloads and unpacks the newest kernel in this host's package sources. Atomic; does nothing if a kernel is
     * installed.
     */
    public void install(Consumer<String> progress) {
        if (present()) {
            return;
        }
        Path work = folder.resolveSibling("kernel.new");
        RuntimeResources.delete(work);
        RuntimeResources.make(work);
        try {
            progress.accept("looking for the kernel that " + PACKAGE + " stands for");
            String name = Command.of("apt-cache", "depends", PACKAGE)
                    .output()
                    .lines()
                    .map(String::strip)
                    .filter(line -> line.startsWith("Depends: linux-image-"))
                    .map(line -> line.substring("Depends: ".length()))
                    .findFirst()
                    .orElseThrow(() -> new FailedException("the package sources of this host know no " + PACKAGE
                            + ": run `apt-get update`, and check /etc/apt/sources.list"));
            progress.accept("downloading " + name);
            var _ = Command.of("apt-get", "-q", "-o", "APT::Sandbox::User=root", "download", name)
                    .in(work)
                    .timeout(DOWNLOAD)
                    .output();
            progress.accept("unpacking " + name);
            Path deb = only(work, ".deb");
            Path unpacked = work.resolve("unpacked");
            var _ = Command.of("dpkg-deb", "-x", deb.toString(), unpacked.toString())
                    .timeout(DOWNLOAD)
                    .output();
            take(unpacked, work);
            Files.delete(deb);
            RuntimeResources.delete(unpacked);
            RuntimeResources.delete(folder);
            Files.move(work, folder, StandardCopyOption.ATOMIC_MOVE);
            progress.accept("kernel " + release() + " is ready");
        } catch (IOException e) {
            throw new FailedException("cannot unpack a kernel for guests into " + folder + ": " + e.getMessage(), e);
        }
    }

    private static void take(Path unpacked, Path work) throws IOException {
        // On a merged /usr the modules are there; the image stays in /boot.
        Path modules = Files.isDirectory(unpacked.resolve("lib/modules"))
                ? unpacked.resolve("lib/modules")
                : unpacked.resolve("usr/lib/modules");
        Path release = only(modules, "");
        Files.move(unpacked.resolve("boot/vmlinuz-" + release.getFileName()), work.resolve("vmlinuz"));
        Files.move(release, work.resolve("modules"));
        Files.writeString(work.resolve("release"), release.getFileName() + "\n");
    }

    private static Path only(Path folder, String suffix) throws IOException {
        try (Stream<Path> entries = Files.list(folder)) {
            return entries.filter(path -> path.getFileName().toString().endsWith(suffix))
                    .findFirst()
                    .orElseThrow(() -> new FailedException("nothing called *" + suffix + " is in " + folder));
        }
    }

    /** The modules a microVM loads, in dependency order. */
    List<Path> modules() {
        List<Path> all;
        try (Stream<Path> tree = Files.walk(folder.resolve("modules"))) {
            all = tree.filter(path -> moduleName(path).isPresent()).toList();
        } catch (IOException e) {
            throw new FailedException(
                    "cannot list the modules of the guests' kernel in " + folder + ": " + e.getMessage(), e);
        }
        List<Path> ordered = new ArrayList<>();
        WANTED.forEach(name -> add(name, all, ordered));
        return ordered;
    }

    private static void add(String name, List<Path> all, List<Path> ordered) {
        Optional<Path> file = all.stream()
                .filter(p -> moduleName(p).equals(Optional.of(name)))
                .findFirst();
        if (file.isEmpty() || ordered.contains(file.get())) {
            return; // built in, or added already
        }
        depends(file.get()).forEach(need -> add(need, all, ordered));
        ordered.add(file.get());
    }

    /** {@code virtio-rng.ko.xz} is called {@code virtio_rng}. */
    private static Optional<String> moduleName(Path path) {
        String file = path.getFileName().toString();
        int end = file.indexOf(".ko");
        return end < 0 ? Optional.empty() : Optional.of(file.substring(0, end).replace('-', '_'));
    }

    /**
     * The dependencies that a module names in its own text ({@code modinfo} reads the same and decompresses if
     * necessary).
     */
    private static List<String> depends(Path module) {
        if (!module.toString().endsWith(".ko")) {
            return Stream.of(Command.of("modinfo", "-F", "depends", module.toString())
                            .output()
                            .strip()
                            .split(",", -1))
                    .filter(s -> !s.isEmpty())
                    .toList();
        }
        try {
            String text = new String(Files.readAllBytes(module), StandardCharsets.ISO_8859_1);
            int at = text.indexOf("\0depends=");
            if (at < 0) {
                return List.of();
            }
            int from = at + "\0depends=".length();
            String names = text.substring(from, text.indexOf('\0', from));
            return Stream.of(names.split(",", -1)).filter(s -> !s.isEmpty()).toList();
        } catch (IOException e) {
            throw new FailedException("cannot read " + module + ": " + e.getMessage(), e);
        }
    }

    private static String architecture() {
        return System.getProperty("os.arch").equals("aarch64") ? "arm64" : "amd64";
    }
}
