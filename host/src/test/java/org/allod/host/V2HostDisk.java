package org.allod.host;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.allod.linux.Command;

/**
 * The disks of {@link V2Host}: a root file system made of this machine's own Debian packages, the JDK, and Allod as it was
 * built, each where it is here, so that the caches of {@code target/dist} hold there too; and what its kernel starts from.
 */
final class V2HostDisk {
    private static final Path CLONE = Path.of(System.getProperty("allod.clone"));
    private static final Path DIST = CLONE.resolve("target/dist");
    private static final Path KERNEL = DaemonProcess.tools().resolve("kernel");
    private static final Duration BOUND = Duration.ofMinutes(3);

    /** What a Debian host has, as far as a daemon and its service manager need it. */
    private static final List<String> PACKAGES = List.of(
            "systemd",
            "util-linux",
            "mount",
            "coreutils",
            "dash",
            "nftables",
            "e2fsprogs",
            "erofs-utils",
            "iproute2",
            "busybox-static");

    /** What a Debian initramfs would load to find the root. */
    private static final List<String> FIRST_MODULES =
            List.of("virtio_pci", "virtio_blk", "virtio_net", "erofs", "overlay", "ext4");

    private final Path work;
    private final Path root;

    /** @param work a folder for all of it, emptied before */
    V2HostDisk(Path work) {
        this.work = work;
        this.root = work.resolve("root");
    }

    static Path kernel() {
        return KERNEL.resolve("vmlinuz");
    }

    Path image() {
        return work.resolve("root.erofs");
    }

    Path initramfs() {
        return work.resolve("initramfs.cpio");
    }

    Path data() {
        return work.resolve("data.ext4");
    }

    /** Makes all of them. Half a gigabyte is copied. */
    void make() throws Exception {
        assertBuilt();
        run("rm", "-rf", work.toString());
        Files.createDirectories(root);
        skeleton();
        packages();
        allod();
        libraries();
        modules();
        OciLayout.webServer(Files.createDirectories(work.resolve("oci")), root.resolve("image"));
        run("mkfs.erofs", "--quiet", image().toString(), root.toString());
        run("rm", "-rf", root.toString());
        firstFiles();
        run("truncate", "--size=3G", data().toString());
        run("mke2fs", "-q", "-t", "ext4", "-E", "lazy_itable_init=1,lazy_journal_init=1", data() + "");
    }

    /** What would be tested is the distribution; one that is older than the sources would be another one. */
    private static void assertBuilt() throws IOException {
        Path built = DIST.resolve("built");
        if (!Files.exists(built)) {
            throw new AssertionError(DIST + " is not built: run " + CLONE + "/allod setup --for-tests");
        }
        FileTime when = Files.getLastModifiedTime(built);
        try (Stream<Path> rooms = Files.list(CLONE)) {
            for (Path sources : rooms.map(room -> room.resolve("src/main")).toList()) {
                if (Files.isDirectory(sources)) {
                    assertOlder(sources, when);
                }
            }
        }
    }

    private static void assertOlder(Path sources, FileTime when) throws IOException {
        try (Stream<Path> tree = Files.walk(sources)) {
            for (Path file : tree.filter(Files::isRegularFile).toList()) {
                if (Files.getLastModifiedTime(file).compareTo(when) > 0) {
                    throw new AssertionError(
                            file + " is newer than what is built: run " + CLONE + "/allod setup --for-tests");
                }
            }
        }
    }

    private void skeleton() throws IOException {
        for (String folder : List.of("bin", "sbin", "lib", "lib64")) {
            Files.createDirectories(root.resolve("usr").resolve(folder));
            Files.createSymbolicLink(root.resolve(folder), Path.of("usr", folder));
        }
        for (String folder : List.of("etc", "proc", "sys", "dev", "tmp", "run", "var/lib/allod", "var/tmp", "root")) {
            Files.createDirectories(root.resolve(folder));
        }
        for (Map.Entry<String, String> file : V2HostFiles.ALL.entrySet()) {
            Path to = root.resolve(file.getKey());
            Files.createDirectories(to.getParent());
            Files.writeString(to, file.getValue());
            if (file.getValue().startsWith("#!")) {
                to.toFile().setExecutable(true, false);
            }
        }
    }

    /** The packages' files as they are here; of the applets of busybox, those that no package has. */
    private void packages() throws IOException {
        List<String> query = new ArrayList<>(List.of("dpkg-query", "--listfiles"));
        query.addAll(PACKAGES);
        StringBuilder files = new StringBuilder();
        for (String file :
                Set.copyOf(Command.of(query).output().lines().toList()).stream().toList()) {
            Path path = Path.of(file);
            boolean wanted = !file.startsWith("/usr/share/") && !Files.isDirectory(path) && Files.exists(path);
            if (wanted || Files.isSymbolicLink(path)) {
                files.append(merged(file)).append('\n');
            }
        }
        copy("/", files.toString());
        for (String applet : Command.of("busybox", "--list").output().lines().toList()) {
            Path link = root.resolve("usr/bin").resolve(applet);
            if (Files.notExists(link)
                    && Files.notExists(root.resolve("usr/sbin").resolve(applet))) {
                Files.createSymbolicLink(link, Path.of("busybox"));
            }
        }
        Files.createSymbolicLink(root.resolve("usr/sbin/modprobe"), Path.of("../bin/busybox"));
    }

    /** Without its slash, and below {@code /usr}, where a Debian of today has everything. */
    private static String merged(String file) {
        return file.matches("/(bin|sbin|lib|lib64)/.*") ? "usr" + file : file.substring(1);
    }

    private void allod() throws IOException {
        String java = Files.readAllLines(DIST.resolve("env")).stream()
                .filter(line -> line.startsWith("JAVA='"))
                .map(line -> line.substring("JAVA='".length(), line.length() - 1))
                .findFirst()
                .orElseThrow();
        String jdk = Path.of(java).getParent().getParent().toRealPath().toString();
        copy("/", String.join("\n", jdk + "/bin/java", jdk + "/release", jdk + "/conf", jdk + "/lib"), "src.zip");
        Path named = Path.of(java).getParent().getParent();
        if (!named.toString().equals(jdk)) {
            Files.createSymbolicLink(root.resolve(named.toString().substring(1)), Path.of(jdk));
        }
        String tools = DaemonProcess.tools().toAbsolutePath().normalize().toString();
        copy(
                "/",
                String.join(
                        "\n",
                        CLONE + "/allod",
                        CLONE + "/launcher",
                        DIST.toString(),
                        tools + "/runsc",
                        tools + "/allod-guest"));
        // Where the unit looks for it.
        Files.createSymbolicLink(root.resolve("usr/lib/allod"), CLONE);
        Files.createSymbolicLink(root.resolve("tools"), Path.of(tools));
        Files.createDirectories(root.resolve("etc/systemd/system"));
        Files.copy(CLONE.resolve("packaging/allod.service"), root.resolve("etc/systemd/system/allod.service"));
    }

    /** The dynamic linker's own word for what the programs need. */
    private void libraries() throws IOException {
        List<String> ldd = new ArrayList<>(List.of("ldd"));
        try (Stream<Path> tree = Files.walk(root)) {
            tree.filter(Files::isRegularFile)
                    .filter(file ->
                            file.toFile().canExecute() || file.toString().endsWith(".so"))
                    .forEach(file -> ldd.add(file.toString()));
        }
        Set<String> needed = new TreeSet<>();
        for (String line : Command.of(ldd).timeout(BOUND).run().out().lines().toList()) {
            for (String word : line.strip().split(" ", -1)) {
                if (word.startsWith("/") && !line.endsWith(":") && !word.startsWith(work.toString())) {
                    needed.add(word);
                }
            }
        }
        for (String library : needed) {
            Path to = root.resolve(merged(library));
            Files.createDirectories(to.getParent());
            if (Files.notExists(to)) {
                run("cp", "--dereference", library, to.toString());
            }
        }
    }

    private void modules() throws IOException {
        Path modules = root.resolve("usr/lib/modules").resolve(release());
        Files.createDirectories(modules.getParent());
        run("cp", "-a", KERNEL.resolve("modules").toString(), modules.toString());
        run("busybox", "depmod", "-b", root.toString(), release());
        Files.copy(modules.resolve("modules.dep"), work.resolve("modules.dep"));
    }

    private static String release() throws IOException {
        return Files.readString(KERNEL.resolve("release")).strip();
    }

    /** The initramfs: busybox, the modules the root needs, each after those it stands on, and a script. */
    private void firstFiles() throws IOException {
        Path first = work.resolve("first");
        for (String folder : List.of("bin", "modules", "proc", "sys", "dev", "image", "upper", "root")) {
            Files.createDirectories(first.resolve(folder));
        }
        Files.copy(Path.of("/bin/busybox"), first.resolve("bin/busybox"));
        first.resolve("bin/busybox").toFile().setExecutable(true, false);
        for (String applet : List.of("sh", "mount", "insmod", "mkdir", "ln", "switch_root")) {
            Files.createSymbolicLink(first.resolve("bin").resolve(applet), Path.of("busybox"));
        }
        int order = 100;
        for (String module : inOrder(Files.readAllLines(work.resolve("modules.dep")))) {
            Files.copy(KERNEL.resolve("modules").resolve(module), first.resolve("modules/" + order++ + ".ko"));
        }
        Files.writeString(first.resolve("init"), V2HostFiles.FIRST);
        first.resolve("init").toFile().setExecutable(true, false);
        run("sh", "-c", "cd '" + first + "' && find . | busybox cpio -o -H newc > '" + initramfs() + "'");
    }

    /** From lines of {@code module: what it needs}, nearest last. One that is built in has no line. */
    private static Set<String> inOrder(List<String> lines) {
        Set<String> all = new java.util.LinkedHashSet<>();
        for (String name : FIRST_MODULES) {
            for (String line : lines) {
                String module = line.substring(0, line.indexOf(':'));
                if (module.endsWith("/" + name + ".ko")) {
                    List<String> needs =
                            List.of(line.substring(module.length() + 1).strip().split(" +"));
                    needs.reversed().stream().filter(n -> !n.isEmpty()).forEach(all::add);
                    all.add(module);
                }
            }
        }
        return all;
    }

    /** Copies what is listed, a line each, with its modes and times, which caches are bound to. */
    private void copy(String from, String names, String... without) {
        List<String> tar = new ArrayList<>(List.of("tar", "--create", "--file=-", "--directory=" + from));
        for (String name : without) {
            tar.add("--exclude=" + name);
        }
        List<String> words = new ArrayList<>(List.of("sh", "-c", "root=$1; shift; \"$@\" | tar -x -C \"$root\" -f -"));
        words.addAll(List.of("copy", root.toString()));
        words.addAll(tar);
        words.add("--files-from=-");
        var _ = Command.of(words)
                .input(names.replaceAll("(?m)^/", ""))
                .timeout(BOUND)
                .output();
    }

    private static void run(String... words) {
        var _ = Command.of(words).timeout(BOUND).output();
    }
}
