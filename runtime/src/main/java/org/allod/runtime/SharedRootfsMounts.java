package org.allod.runtime;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.allod.base.Bug;
import org.allod.base.FailedException;
import org.allod.base.MachineId;
import org.allod.linux.Mounts;

/**
 * Images as folders, with one read-only mount shared by all machines of an image: the image's file system with PID 1
 * ({@code /.allod}) and an empty folder for each volume laid over it. gVisor's file server needs a mount point for each
 * mount, which a read-only image cannot provide; and PID 1's binary then needs no mount of its own in each sandbox.
 *
 * <p>A root is named by its content, the image and the binary, and every machine's folder names the one it uses. So
 * there are no reference counts: a root that no folder names is unmounted, whatever crashed in between. After a reboot
 * the first machine of an image mounts it again.
 */
final class SharedRootfsMounts {
    private static final System.Logger LOG = System.getLogger(SharedRootfsMounts.class.getName());

    /** Below the data folder. */
    static final String FOLDER = "roots";

    private final RuntimeResources resources;
    private final Path folder;

    SharedRootfsMounts(RuntimeResources resources) {
        this.resources = resources;
        this.folder = resources.config().data().resolve(FOLDER);
    }

    /**
     * Mounts the machine's root, which is in use from now on, and returns its path.
     *
     * @param containers images to mount inside, each at {@link GuestSetup#root} of its index; empty for indexes without
     *     one
     * @param places mount points of volumes to create in it
     */
    synchronized Path use(SandboxPaths machine, Path image, List<Optional<Path>> containers, List<String> places) {
        // One line: Allod's own paths contain no line end.
        String images = image
                + containers.stream()
                        .map(c -> "\t" + c.map(Path::toString).orElse(""))
                        .collect(Collectors.joining());
        String name = name(images, places);
        String text = String.join(
                "\n",
                Stream.concat(Stream.of(name + " " + images), places.stream()).toList());
        if (!read(machine.rootName()).equals(text)) {
            write(machine.rootName(), text);
        }
        return mount(name, images, places);
    }

    /** Mounts the root the machine used before: a suspended guest must find exactly the same one. */
    synchronized Path again(SandboxPaths machine) {
        List<String> lines = read(machine.rootName()).lines().toList();
        String[] words = lines.isEmpty() ? new String[0] : lines.getFirst().split(" ", 2);
        if (words.length != 2) {
            throw new FailedException("it is not known on which image machine " + machine.machine() + " was suspended: "
                    + machine.rootName() + " is missing or broken");
        }
        return mount(words[0], words[1], lines.subList(1, lines.size()));
    }

    private Path mount(String name, String images, List<String> places) {
        List<String> paths = List.of(images.split("\t", -1));
        Path image = Path.of(paths.getFirst());
        Path root = folder.resolve(name);
        Path merged = root.resolve("merged");
        if (Mounts.at(merged).isPresent()) {
            return merged;
        }
        Path over = root.resolve("over");
        Path lower = root.resolve("image");
        placeGuest(over);
        for (int i = 1; i < paths.size(); i++) {
            RuntimeResources.make(over.resolve(GuestSetup.root(i - 1).substring(1)));
        }
        if (Files.isDirectory(image)) {
            lower = image; // the probe's image is a folder, not a file system image
        } else {
            Mounts.image(image, lower, "erofs");
        }
        for (String place : places) {
            MountPointCreator.make(lower, over, place);
        }
        Mounts.mount("overlay", "ro,lowerdir=" + over + ":" + lower, "overlay", merged);
        for (int i = 1; i < paths.size(); i++) {
            if (!paths.get(i).isEmpty()) {
                // Under the sandbox's writable layer, which therefore has a separate place for each of them.
                Mounts.image(
                        Path.of(paths.get(i)),
                        merged.resolve(GuestSetup.root(i - 1).substring(1)),
                        "erofs");
            }
        }
        return merged;
    }

    private void placeGuest(Path over) {
        Path binary = over.resolve(OciBundle.GUEST.substring(1));
        RuntimeResources.make(over.resolve(OciBundle.CHANNEL.substring(1)));
        if (Files.exists(binary)) {
            return;
        }
        try {
            Path half = binary.resolveSibling("guest.new");
            Files.copy(resources.config().guestBinary(), half, StandardCopyOption.REPLACE_EXISTING);
            Files.setPosixFilePermissions(half, PosixFilePermissions.fromString("r-xr-xr-x"));
            Files.move(half, binary, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            throw new FailedException("cannot copy the guests' PID 1 to " + binary + ": " + e.getMessage(), e);
        }
    }

    /** The machine no longer uses its root; unmounts the root if no other machine does. */
    synchronized void release(SandboxPaths machine) {
        String name = read(machine.rootName()).split(" ", 2)[0];
        if (name.isEmpty()) {
            return;
        }
        try {
            Files.deleteIfExists(machine.rootName());
        } catch (IOException e) {
            throw new FailedException("cannot delete " + machine.rootName() + ": " + e.getMessage(), e);
        }
        if (!isInUse(name)) {
            drop(name);
        }
    }

    /** Unmounts roots that no machine uses: their last user may have ended when unmounting was not possible. */
    synchronized void tidy() {
        for (String name : RuntimeResources.names(folder)) {
            if (!isInUse(name)) {
                try {
                    drop(name);
                } catch (FailedException e) {
                    LOG.log(System.Logger.Level.WARNING, "a root that no machine uses stays until the next start", e);
                }
            }
        }
    }

    private boolean isInUse(String name) {
        return RuntimeResources.names(resources.config().machines()).stream()
                .flatMap(text -> MachineId.parse(text).stream())
                .map(machine -> read(SandboxPaths.of(resources, machine).rootName()))
                .anyMatch(text -> text.startsWith(name + " "));
    }

    private void drop(String name) {
        Path root = folder.resolve(name);
        Path merged = root.resolve("merged").toAbsolutePath().normalize();
        for (Mounts.Mount inside : Mounts.all().reversed()) {
            if (!inside.target().equals(merged) && inside.target().startsWith(merged)) {
                Mounts.unmount(inside.target());
            }
        }
        Mounts.unmount(merged);
        Mounts.unmount(root.resolve("image"));
        RuntimeResources.delete(root);
    }

    /**
     * Names a root: the images' paths (images are never changed in place), a digest of PID 1, and the volumes' mount
     * points.
     */
    private String name(String images, List<String> places) {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            digest.update(images.getBytes(StandardCharsets.UTF_8));
            digest.update(guestDigest());
            places.forEach(place -> digest.update(("\0" + place).getBytes(StandardCharsets.UTF_8)));
            return HexFormat.of().formatHex(digest.digest(), 0, 12);
        } catch (NoSuchAlgorithmException e) {
            throw new Bug("this Java has no SHA-256", e);
        }
    }

    private record Digested(long size, long modified, byte[] digest) {}

    private Digested guest = new Digested(-1, -1, new byte[0]);

    /** Cached while the file is unchanged, because every boot needs it. */
    private byte[] guestDigest() throws NoSuchAlgorithmException {
        Path binary = resources.config().guestBinary();
        try {
            long size = Files.size(binary);
            long modified = Files.getLastModifiedTime(binary).toMillis();
            if (guest.size() != size || guest.modified() != modified) {
                byte[] digest = MessageDigest.getInstance("SHA-256").digest(Files.readAllBytes(binary));
                guest = new Digested(size, modified, digest);
            }
            return guest.digest();
        } catch (IOException e) {
            throw new FailedException(
                    "cannot read the guests' PID 1, " + binary + ": " + e.getMessage()
                            + ". It is built from guest/ by `./allod up`.",
                    e);
        }
    }

    private static String read(Path file) {
        try {
            return Files.readString(file).strip();
        } catch (NoSuchFileException e) {
            return "";
        } catch (IOException e) {
            throw new FailedException("cannot read " + file + ": " + e.getMessage(), e);
        }
    }

    private static void write(Path file, String text) {
        try {
            Files.createDirectories(file.getParent());
            Files.writeString(file, text);
        } catch (IOException e) {
            throw new FailedException("cannot write " + file + ": " + e.getMessage(), e);
        }
    }
}
