package org.allod.host;

import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * What is on this host of any machine, looked for in the kernel and on the disk and not through our own code: network
 * namespaces, control groups, mounts, devices, processes, folders. Each finding names its machine's id.
 */
final class Leftovers {
    private static final Pattern ID = Pattern.compile("00[0-9a-f]{12}");

    private Leftovers() {}

    /** Findings of machines other than {@code known}, among those that {@code ours} names. */
    static Set<String> of(Set<String> known, Set<String> ours, Path data) throws IOException, InterruptedException {
        Set<String> found = new TreeSet<>();
        for (String ns : names(Path.of("/run/netns"))) {
            add(found, "namespace", ns, known, ours);
        }
        for (String line : Files.readAllLines(Path.of("/proc/self/mountinfo"))) {
            add(found, "mount", line, known, ours);
        }
        for (Path group : groups()) {
            add(found, "control group", group.toString(), known, ours);
        }
        for (String pid : names(Path.of("/proc"))) {
            if (pid.matches("\\d+")) {
                try {
                    String line =
                            Files.readString(Path.of("/proc", pid, "cmdline")).replace('\0', ' ');
                    if (!line.contains("java")) {
                        add(found, "process", pid + " " + line, known, ours);
                    }
                } catch (IOException e) {
                    // It ended meanwhile.
                }
            }
        }
        for (String folder : names(data.resolve("machines"))) {
            add(found, "folder", folder, known, ours);
        }
        return found;
    }

    /** The control groups of machines. Others of this host come and go while we look. */
    private static List<Path> groups() throws IOException {
        List<Path> groups = new ArrayList<>();
        Files.walkFileTree(Path.of("/sys/fs/cgroup"), Set.of(), 5, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult preVisitDirectory(Path group, BasicFileAttributes attributes) {
                if (ID.matcher(group.getFileName().toString()).find()) {
                    groups.add(group);
                }
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFileFailed(Path gone, IOException e) {
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult postVisitDirectory(Path group, @Nullable IOException e) {
                return FileVisitResult.CONTINUE;
            }
        });
        return groups;
    }

    /** Mounts of volumes. */
    static Set<String> mounts(Path data) throws IOException {
        Set<String> found = new TreeSet<>();
        for (String line : Files.readAllLines(Path.of("/proc/self/mountinfo"))) {
            if (line.contains(data.resolve("volumes").toString())) {
                found.add("mount " + line);
            }
        }
        return found;
    }

    /** Of volumes other than {@code known}: folders, files half made, mounts, loop devices. */
    static Set<String> ofVolumes(Set<String> known, Path data) throws IOException, InterruptedException {
        Set<String> found = new TreeSet<>();
        for (String line : mounts(data)) {
            if (known.stream().noneMatch(line::contains)) {
                found.add(line);
            }
        }
        for (String folder : names(data.resolve("volumes"))) {
            if (!known.contains(folder)) {
                found.add("folder " + folder);
            }
            for (String file : names(data.resolve("volumes").resolve(folder))) {
                if (file.endsWith(".half")) {
                    found.add("half a disk in " + folder);
                }
            }
        }
        for (String file : names(data.resolve("snapshots"))) {
            if (file.endsWith(".half")) {
                found.add("half a snapshot: " + file);
            }
        }
        for (String block : names(Path.of("/sys/block"))) {
            Path backing = Path.of("/sys/block", block, "loop/backing_file");
            if (block.startsWith("loop") && Files.exists(backing)) {
                String file = Files.readString(backing).strip();
                boolean ours = file.startsWith(data.resolve("volumes").toString());
                if (ours && known.stream().noneMatch(file::contains)) {
                    found.add("loop device " + block + " of " + file);
                }
            }
        }
        return found;
    }

    private static void add(Set<String> found, String kind, String text, Set<String> known, Set<String> ours) {
        Matcher matcher = ID.matcher(text);
        while (matcher.find()) {
            if (ours.contains(matcher.group()) && !known.contains(matcher.group())) {
                found.add(kind + " of " + matcher.group() + ": " + text);
            }
        }
    }

    private static Set<String> names(Path folder) throws IOException {
        Set<String> names = new TreeSet<>();
        if (Files.isDirectory(folder)) {
            try (Stream<Path> entries = Files.list(folder)) {
                entries.forEach(p -> names.add(p.getFileName().toString()));
            }
        }
        return names;
    }
}
