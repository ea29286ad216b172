package org.allod.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.allod.linux.Mounts;

/** Finds what is left in the kernel and on disk of machines that are gone. */
final class ResourceLeaks {
    private ResourceLeaks() {}

    static List<String> of(Path data, List<String> machines) throws IOException {
        List<String> left = new ArrayList<>();
        List<String> mounts =
                Mounts.all().stream().map(m -> m.target().toString()).toList();
        List<String> lines = processes();
        List<String> groups = groups();
        for (String machine : machines) {
            mounts.stream().filter(m -> m.contains(machine)).forEach(m -> left.add("mounted: " + m));
            lines.stream().filter(l -> l.contains(machine)).forEach(l -> left.add("runs: " + l));
            groups.stream().filter(g -> g.contains(machine)).forEach(g -> left.add("group: " + g));
            for (Path path : List.of(
                    Path.of("/run/netns/allod-" + machine),
                    data.resolve("machines").resolve(machine))) {
                if (Files.exists(path)) {
                    left.add("is there: " + path);
                }
            }
        }
        return left;
    }

    private static List<String> processes() throws IOException {
        List<String> lines = new ArrayList<>();
        try (var all = Files.newDirectoryStream(Path.of("/proc"), "[0-9]*")) {
            for (Path process : all) {
                try {
                    lines.add(Files.readString(process.resolve("cmdline")).replace('\0', ' '));
                } catch (IOException e) {
                    // It has ended.
                }
            }
        }
        return lines;
    }

    private static List<String> groups() throws IOException {
        // Three levels: the hierarchy, Allod's parent group and the machines.
        try (Stream<Path> all = Files.walk(Path.of("/sys/fs/cgroup"), 3)) {
            return all.map(Path::toString).toList();
        }
    }
}
