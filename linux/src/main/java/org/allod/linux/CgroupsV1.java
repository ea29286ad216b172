package org.allod.linux;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.allod.base.FailedException;

/** Version 1: one tree for each controller, or for several; a group is created in each tree. */
final class CgroupsV1 implements Cgroups {
    private static final System.Logger LOG = System.getLogger(CgroupsV1.class.getName());

    /** Since Linux 6.0. */
    private static final String FAVOR = "favordynmods";

    private static final Set<String> NOT_CONTROLLERS =
            Set.of("rw", "ro", "xattr", "clone_children", "noprefix", "none", FAVOR);
    private static final List<String> NEEDED = List.of("cpu", "memory", "pids");

    /**
     * The root of each controller's tree. Groups are made in all of them, so that runsc needs to make none of its own.
     */
    private final Map<String, Path> trees;

    private final String parent;

    private CgroupsV1(Map<String, Path> trees, String parent) {
        this.trees = Map.copyOf(trees);
        this.parent = parent;
        roots().forEach(root -> CgroupFiles.make(root.resolve(parent)));
        inheritCpus(folder("cpuset", "."));
    }

    /** Gives a cpuset group its parent's processors, since a group without any accepts no process. */
    private static void inheritCpus(Path group) {
        for (String file : List.of("cpuset.cpus", "cpuset.mems")) {
            if (CgroupFiles.read(group.resolve(file)).isEmpty()) {
                Path above = group.normalize().getParent();
                CgroupFiles.writeIfPresent(
                        group.resolve(file), above == null ? "" : CgroupFiles.read(above.resolve(file)));
            }
        }
    }

    static Optional<Cgroups> find(List<Mounts.Mount> mounts, String parent) {
        Map<String, Path> trees = new TreeMap<>();
        for (Mounts.Mount mount : mounts) {
            if (mount.type().equals("cgroup")) {
                for (String option : Arrays.asList(mount.options().split(",", -1))) {
                    if (!NOT_CONTROLLERS.contains(option)) {
                        trees.putIfAbsent(option, mount.target());
                    }
                }
            }
        }
        if (!trees.keySet().containsAll(NEEDED)) {
            return Optional.empty();
        }
        mounts.stream().filter(mount -> mount.type().equals("cgroup2")).forEach(CgroupsV1::favorDynamicModifications);
        return Optional.of(new CgroupsV1(trees, parent));
    }

    /**
     * Makes moving processes between groups fast. runsc enters a group of version 1 by moving there and back, and each
     * move waits for the kernel, for 8 ms here (docs/decisions/025). Only the empty version 2 tree accepts the mount
     * option; it then holds for all trees until the host reboots.
     */
    private static void favorDynamicModifications(Mounts.Mount unified) {
        if (Arrays.asList(unified.options().split(",", -1)).contains(FAVOR)) {
            return;
        }
        Command remount =
                Command.of("mount", "-o", "remount," + FAVOR, unified.target().toString());
        Command.Result result = remount.run();
        if (!result.ok()) {
            LOG.log(
                    System.Logger.Level.INFO,
                    "starts of gVisor machines take longer than they must: "
                            + remount.failure(result).getMessage());
        }
    }

    @Override
    public String path(String name) {
        return "/" + parent + "/" + name;
    }

    @Override
    public String version() {
        return "v1";
    }

    /** The distinct trees, since {@code cpu} and {@code cpuacct} are often one. */
    private Set<Path> roots() {
        return new LinkedHashSet<>(trees.values());
    }

    private Set<Path> folders(String name) {
        return roots().stream()
                .map(root -> root.resolve(parent).resolve(name))
                .collect(Collectors.toCollection(LinkedHashSet::new));
    }

    private Path folder(String controller, String name) {
        return trees.getOrDefault(controller, Path.of("/nonexistent"))
                .resolve(parent)
                .resolve(name);
    }

    @Override
    public void create(String name, Limits limits) {
        folders(name).forEach(CgroupFiles::make);
        inheritCpus(folder("cpuset", name));
        Path cpu = folder("cpu", name);
        CgroupFiles.write(cpu.resolve("cpu.cfs_period_us"), "" + CPU_PERIOD_MICROS);
        CgroupFiles.write(cpu.resolve("cpu.cfs_quota_us"), "" + limits.cpuMillis() * CPU_PERIOD_MICROS / 1000);
        // The default is 1024 in version 1 and 100 in version 2; version 1 accepts no less than 2.
        CgroupFiles.write(cpu.resolve("cpu.shares"), "" + Math.max(2, limits.cpuWeight() * 1024L / 100));
        boundMemory(name, limits.memoryBytes());
        CgroupFiles.write(folder("pids", name).resolve("pids.max"), "" + limits.processes());
    }

    private void boundMemory(String name, long limit) {
        Path memory = folder("memory", name);
        Path swap = memory.resolve("memory.memsw.limit_in_bytes");
        String bytes = "" + limit;
        if (Files.exists(swap)) {
            // The swap limit must never be below the memory limit, so the order depends on the direction.
            boolean growing = CgroupFiles.number(swap) < limit;
            CgroupFiles.write(growing ? swap : memory.resolve("memory.limit_in_bytes"), bytes);
            CgroupFiles.write(growing ? memory.resolve("memory.limit_in_bytes") : swap, bytes);
        } else {
            CgroupFiles.write(memory.resolve("memory.limit_in_bytes"), bytes);
        }
    }

    /** Relies on the kernel, which refuses a limit that it cannot bring the group below. */
    @Override
    public boolean limitMemory(String name, long bytes) {
        try {
            boundMemory(name, bytes);
            return true;
        } catch (FailedException e) {
            if (CgroupFiles.number(folder("memory", name).resolve("memory.usage_in_bytes")) > bytes) {
                return false;
            }
            throw e;
        }
    }

    /** Version 1 reclaims all that it can, because its file takes no amount. */
    @Override
    public long reclaim(String name, long bytes) {
        Path used = folder("memory", name).resolve("memory.usage_in_bytes");
        long before = CgroupFiles.number(used);
        CgroupFiles.write(folder("memory", name).resolve("memory.force_empty"), "0");
        return Math.max(0, before - CgroupFiles.number(used));
    }

    @Override
    public List<Path> join(String name) {
        return folders(name).stream().map(folder -> folder.resolve("tasks")).toList();
    }

    @Override
    public Set<Integer> processes(String name) {
        Set<Integer> all = new TreeSet<>();
        folders(name).forEach(folder -> all.addAll(CgroupFiles.processes(folder)));
        return all;
    }

    @Override
    public void kill(String name, Duration bound) {
        Path freezer = folder("freezer", name).resolve("freezer.state");
        boolean freezes = Files.exists(freezer);
        Cgroups.await(bound, "the end of every process in the control group " + parent + "/" + name, () -> {
            if (processes(name).isEmpty()) {
                return true;
            }
            // Frozen processes cannot fork, so one pass reaches all of them; they handle the signal when thawed.
            CgroupFiles.writeIfPresent(freezer, "FROZEN");
            for (int pid : processes(name)) {
                ProcessIdentity.of(pid).ifPresent(process -> {
                    var _ = process.signal(Signals.KILL);
                });
            }
            if (freezes) {
                CgroupFiles.write(freezer, "THAWED");
            }
            return false;
        });
    }

    @Override
    public void remove(String name) {
        kill(name, Duration.ofSeconds(10));
        folders(name).forEach(CgroupFiles::remove);
    }

    @Override
    public long oomKills(String name) {
        return Math.max(0, CgroupFiles.field(folder("memory", name).resolve("memory.oom_control"), "oom_kill"));
    }

    @Override
    public Usage usage(String name) {
        Path memory = folder("memory", name);
        long used = CgroupFiles.number(memory.resolve("memory.usage_in_bytes"));
        long idle = Math.max(0, CgroupFiles.field(memory.resolve("memory.stat"), "total_inactive_file"));
        return new Usage(
                CgroupFiles.number(folder("cpuacct", name).resolve("cpuacct.usage")),
                used < 0 ? -1 : Math.max(0, used - idle),
                CgroupFiles.number(memory.resolve("memory.limit_in_bytes")),
                CgroupFiles.number(folder("pids", name).resolve("pids.current")),
                oomKills(name));
    }

    @Override
    public Set<String> list() {
        Set<String> names = new TreeSet<>();
        roots().forEach(root -> names.addAll(Cgroups.folders(root.resolve(parent))));
        return names;
    }

    @Override
    public void removeParent() {
        roots().forEach(root -> CgroupFiles.remove(root.resolve(parent)));
    }
}
