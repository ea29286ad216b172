package org.allod.linux;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.allod.base.FailedException;

/** Lists mounts, mounts and unmounts. Idempotent: mounting twice and unmounting twice are no errors. */
public final class Mounts {
    private static final Path TABLE = Path.of("/proc/self/mountinfo");

    private Mounts() {}

    /**
     * One mount.
     *
     * @param target where
     * @param type the file system's type
     * @param source what is mounted, as the kernel names it
     * @param options the file system's own options
     */
    public record Mount(Path target, String type, String source, String options) {}

    public static List<Mount> all() {
        try {
            return parse(Files.readString(TABLE));
        } catch (IOException e) {
            throw new FailedException("cannot read " + TABLE + ": " + e.getMessage(), e);
        }
    }

    /** {@code id parent dev root TARGET options [fields…] - TYPE SOURCE OPTIONS}, one a line. */
    static List<Mount> parse(String table) {
        List<Mount> mounts = new ArrayList<>();
        for (String line : table.lines().toList()) {
            int dash = line.indexOf(" - ");
            String[] left = line.split(" ", -1);
            String[] right = dash < 0 ? new String[0] : line.substring(dash + 3).split(" ", -1);
            if (left.length > 5 && right.length >= 3) {
                mounts.add(new Mount(Path.of(unescape(left[4])), right[0], unescape(right[1]), right[2]));
            }
        }
        return mounts;
    }

    /** The kernel writes space, tab, newline and backslash as three octal digits. */
    private static String unescape(String text) {
        return text.replace("\\040", " ")
                .replace("\\011", "\t")
                .replace("\\012", "\n")
                .replace("\\134", "\\");
    }

    /** The topmost mount at {@code target}. */
    public static Optional<Mount> at(Path target) {
        Path wanted = target.toAbsolutePath().normalize();
        return all().stream().filter(mount -> mount.target().equals(wanted)).reduce((first, second) -> second);
    }

    /** Mounts a file system image read-only at {@code target}, through a loop device that goes with the mount. */
    public static void image(Path image, Path target, String type) {
        mount(type, "loop,ro,nodev,nosuid", image.toString(), target);
    }

    /** Mounts unless something is mounted at {@code target} already. */
    public static void mount(String type, String options, String source, Path target) {
        if (at(target).isPresent()) {
            return;
        }
        try {
            Files.createDirectories(target);
        } catch (IOException e) {
            throw new FailedException("cannot make the mount point " + target + ": " + e.getMessage(), e);
        }
        Command.of("mount", "-t", type, "-o", options, source, target.toString())
                .output();
    }

    /** Unmounts everything stacked at {@code target}. */
    public static void unmount(Path target) {
        while (at(target).isPresent()) {
            Command.of("umount", target.toString()).output();
        }
    }

    /** Unmounts {@code target} lazily: it leaves the tree now, and its last user frees it. */
    public static void detach(Path target) {
        while (at(target).isPresent()) {
            Command.of("umount", "--lazy", target.toString()).output();
        }
    }
}
