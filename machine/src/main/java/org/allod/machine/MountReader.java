package org.allod.machine;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.allod.base.RejectedException;

/** Reads {@code config.mounts}: which volume goes where, and how it may grow. */
final class MountReader {
    /** The most volumes of one machine. A virtual machine has slots for a few more devices. */
    static final int MOST = 8;

    static final int MAX_GB = 65_536;
    private static final int MAX_PATH = 255;
    private static final Set<String> TAKEN = Set.of("", "proc", "sys", "dev", ".allod");

    private MountReader() {}

    static List<MachineConfig.Mount> read(StrictJsonReader in) {
        List<MachineConfig.Mount> mounts = in.objects("mounts", MountReader::mount);
        if (mounts.size() > MOST) {
            throw RejectedException.invalid("%s has %d entries: a machine may have %d volumes"
                    .formatted(in.path("mounts"), mounts.size(), MOST));
        }
        Set<String> volumes = new HashSet<>();
        List<Path> places = new ArrayList<>();
        for (int i = 0; i < mounts.size(); i++) {
            MachineConfig.Mount mount = mounts.get(i);
            String path = in.path("mounts") + "[" + i + "]";
            if (!mount.volume().isEmpty() && !volumes.add(mount.volume())) {
                throw RejectedException.invalid(
                        "%s.volume is %s, which another mount has already".formatted(path, mount.volume()));
            }
            Path place = Path.of(mount.path());
            if (places.stream().anyMatch(other -> other.startsWith(place) || place.startsWith(other))) {
                throw RejectedException.invalid(
                        "%s.path is %s: another mount is there, above it or below it".formatted(path, mount.path()));
            }
            places.add(place);
        }
        return mounts;
    }

    private static MachineConfig.Mount mount(StrictJsonReader in) {
        String volume = in.string("volume").orElse("");
        String name = in.string("name").orElse("");
        if (volume.isEmpty() && name.isEmpty()) {
            throw RejectedException.invalid(in.path("volume") + " is missing: name a volume by its id, or by name");
        }
        if (!volume.isEmpty() && VolumeId.parse(volume).isEmpty()) {
            throw RejectedException.invalid("%s is \"%s\": a volume's id is vol_ and 16 letters and digits"
                    .formatted(in.path("volume"), volume));
        }
        int size = in.integer("size_gb", 0, MAX_GB).orElse(0);
        int threshold = in.integer("extend_threshold_percent", 0, 99).orElse(0);
        int add = in.integer("add_size_gb", 0, MAX_GB).orElse(0);
        int limit = in.integer("size_gb_limit", 0, MAX_GB).orElse(0);
        if (threshold > 0 && add == 0) {
            throw RejectedException.invalid("%s is %d, but %s is missing: say by how much the volume is to grow"
                    .formatted(in.path("extend_threshold_percent"), threshold, in.path("add_size_gb")));
        }
        if (threshold == 0 && (add > 0 || limit > 0)) {
            throw RejectedException.invalid("%s is missing: say how full the volume may be before it grows"
                    .formatted(in.path("extend_threshold_percent")));
        }
        boolean encrypted = in.bool("encrypted").orElse(false);
        return new MachineConfig.Mount(volume, name, path(in), size, encrypted, threshold, add, limit);
    }

    private static String path(StrictJsonReader in) {
        String path = in.string("path")
                .orElseThrow(() -> RejectedException.invalid(
                        in.path("path") + " is missing: where the volume is mounted, such as /data"));
        boolean plain = path.length() <= MAX_PATH
                && path.startsWith("/")
                && path.chars().noneMatch(c -> c < ' ' || c == 0x7f)
                && path.equals(Path.of(path).normalize().toString());
        String first = plain ? path.substring(1).replaceFirst("/.*", "") : "";
        if (!plain || TAKEN.contains(first)) {
            throw RejectedException.invalid(
                    ("%s is \"%s\": it must be an absolute path without . and .. and / at its end, not / "
                                    + "itself, and not in /proc, /sys or /dev")
                            .formatted(in.path("path"), path.length() > 80 ? path.substring(0, 77) + "..." : path));
        }
        return path;
    }
}
