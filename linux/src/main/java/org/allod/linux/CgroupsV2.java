package org.allod.linux;

import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import org.allod.base.FailedException;

/** Version 2: one tree with all controllers. */
final class CgroupsV2 implements Cgroups {
    private static final List<String> NEEDED = List.of("cpu", "memory", "pids");

    /** The group that {@link #vacate} moves processes to. */
    private static final String ASIDE = "allod-aside";

    private static final Duration VACATING = Duration.ofSeconds(10);

    private final Path parent;

    /** Enables the controllers that are needed for the parent group's children. */
    CgroupsV2(Path root, String parent) {
        this.parent = root.resolve(parent);
        CgroupFiles.make(this.parent);
        List<String> present = controllers(root);
        if (present.containsAll(NEEDED)) {
            vacate(root);
        }
        for (String controller : NEEDED) {
            if (present.contains(controller)) {
                CgroupFiles.write(root.resolve("cgroup.subtree_control"), "+" + controller);
                CgroupFiles.write(this.parent.resolve("cgroup.subtree_control"), "+" + controller);
            }
        }
    }

    /**
     * Moves the processes of the visible root group into a child group, which has the same limits. In a container that
     * root is an ordinary group that holds this process, and a group with processes cannot enable controllers for its
     * children (cgroups(7), "no internal processes"). The kernel's real root can do both; it has no {@code
     * cgroup.type}.
     */
    private static void vacate(Path root) {
        if (!Files.exists(root.resolve("cgroup.type"))) {
            return;
        }
        Path aside = root.resolve(ASIDE);
        // Repeat while the processes start others.
        Cgroups.await(VACATING, "moving every process of " + root + " to " + aside, () -> {
            Set<Integer> processes = CgroupFiles.processes(root);
            if (processes.isEmpty()) {
                return true;
            }
            CgroupFiles.make(aside);
            for (int pid : processes) {
                try {
                    CgroupFiles.write(aside.resolve("cgroup.procs"), "" + pid);
                } catch (FailedException e) {
                    if (Files.exists(Path.of("/proc/" + pid))) {
                        throw e;
                    }
                }
            }
            return false;
        });
    }

    static boolean usable(Path root) {
        return controllers(root).containsAll(NEEDED);
    }

    private static List<String> controllers(Path root) {
        return Arrays.asList(
                CgroupFiles.read(root.resolve("cgroup.controllers")).split(" ", -1));
    }

    @Override
    public String path(String name) {
        return "/" + parent.getFileName() + "/" + name;
    }

    @Override
    public String version() {
        return "v2";
    }

    @Override
    public void create(String name, Limits limits) {
        Path group = parent.resolve(name);
        CgroupFiles.make(group);
        long quota = limits.cpuMillis() * CPU_PERIOD_MICROS / 1000;
        CgroupFiles.writeIfPresent(group.resolve("cpu.max"), quota + " " + CPU_PERIOD_MICROS);
        CgroupFiles.writeIfPresent(group.resolve("cpu.weight"), "" + Math.clamp(limits.cpuWeight(), 1, 10_000));
        CgroupFiles.writeIfPresent(group.resolve("memory.max"), "" + limits.memoryBytes());
        CgroupFiles.writeIfPresent(group.resolve("memory.swap.max"), "0");
        // Kill all of a guest together: a guest of which only some processes are left does not work.
        CgroupFiles.writeIfPresent(group.resolve("memory.oom.group"), "1");
        CgroupFiles.writeIfPresent(group.resolve("pids.max"), "" + limits.processes());
    }

    /** Checks and reclaims first, because version 2 kills processes if it cannot bring the group below the limit. */
    @Override
    public boolean limitMemory(String name, long bytes) {
        Path group = parent.resolve(name);
        Path used = group.resolve("memory.current");
        long over = CgroupFiles.number(used) - bytes;
        if (over > 0) {
            var _ = reclaim(name, over);
        }
        if (CgroupFiles.number(used) > bytes) {
            return false;
        }
        CgroupFiles.write(group.resolve("memory.max"), "" + bytes);
        return true;
    }

    @Override
    public long reclaim(String name, long bytes) {
        Path group = parent.resolve(name);
        long before = CgroupFiles.number(group.resolve("memory.current"));
        Path reclaim = group.resolve("memory.reclaim"); // since Linux 5.19
        if (Files.exists(reclaim)) {
            // Not with a channel, which does not report the EAGAIN that this file returns.
            try (FileOutputStream out = new FileOutputStream(reclaim.toFile())) {
                out.write(Long.toString(bytes).getBytes(StandardCharsets.US_ASCII));
            } catch (IOException e) {
                // The kernel could reclaim less than that; what it did is measured below.
            }
        }
        return Math.max(0, before - CgroupFiles.number(group.resolve("memory.current")));
    }

    @Override
    public List<Path> join(String name) {
        return List.of(parent.resolve(name).resolve("cgroup.procs"));
    }

    @Override
    public Set<Integer> processes(String name) {
        return CgroupFiles.processes(parent.resolve(name));
    }

    @Override
    public void kill(String name, Duration bound) {
        Path group = parent.resolve(name);
        if (!Files.exists(group)) {
            return;
        }
        Path kill = group.resolve("cgroup.kill");
        boolean atOnce = Files.exists(kill); // since Linux 5.14
        Cgroups.await(bound, "the end of every process in " + group, () -> {
            if (processes(name).isEmpty()) {
                return true;
            }
            if (atOnce) {
                CgroupFiles.write(kill, "1");
            } else {
                CgroupFiles.signalAll(group, Signals.KILL);
            }
            return false;
        });
    }

    @Override
    public void remove(String name) {
        kill(name, Duration.ofSeconds(10));
        CgroupFiles.remove(parent.resolve(name));
    }

    @Override
    public long oomKills(String name) {
        return Math.max(0, CgroupFiles.field(parent.resolve(name).resolve("memory.events"), "oom_kill"));
    }

    @Override
    public Usage usage(String name) {
        Path group = parent.resolve(name);
        long micros = CgroupFiles.field(group.resolve("cpu.stat"), "usage_usec");
        long memory = CgroupFiles.number(group.resolve("memory.current"));
        long idle = Math.max(0, CgroupFiles.field(group.resolve("memory.stat"), "inactive_file"));
        return new Usage(
                micros < 0 ? -1 : micros * 1000,
                memory < 0 ? -1 : Math.max(0, memory - idle),
                CgroupFiles.number(group.resolve("memory.max")),
                CgroupFiles.number(group.resolve("pids.current")),
                oomKills(name));
    }

    @Override
    public Set<String> list() {
        return Cgroups.folders(parent);
    }

    @Override
    public void removeParent() {
        CgroupFiles.remove(parent);
    }
}
