package org.allod.linux;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.BooleanSupplier;
import org.allod.base.FailedException;
import org.allod.base.Poll;

/**
 * The control groups of this host's guests, by name, under one parent group. A group bounds a guest's resources and
 * finds all its processes. Uses version 2 if the host has it with the controllers that are needed, otherwise version 1
 * (also beside an empty version 2, "hybrid"). Every method is idempotent.
 */
public sealed interface Cgroups permits CgroupsV1, CgroupsV2 {
    /**
     * The limits of a group.
     *
     * @param cpuMillis processor time in thousandths of a processor
     * @param memoryBytes memory, page cache included
     * @param processes processes and threads of the host
     * @param cpuWeight its weight in competition for processor time; the default is 100
     */
    record Limits(long cpuMillis, long memoryBytes, long processes, int cpuWeight) {
        /** Limits with the default weight. */
        public Limits(long cpuMillis, long memoryBytes, long processes) {
            this(cpuMillis, memoryBytes, processes, 100);
        }
    }

    /**
     * What a group uses; -1 for what the host cannot tell.
     *
     * @param cpuNanos processor time since the group was created
     * @param memoryBytes memory without idle page cache
     * @param memoryLimitBytes the limit of its memory
     * @param processes processes and threads now
     * @param oomKills how often the kernel's OOM killer has acted in this group since it was created
     */
    record Usage(long cpuNanos, long memoryBytes, long memoryLimitBytes, long processes, long oomKills) {}

    /** The period of processor time quotas; the kernel's default. */
    long CPU_PERIOD_MICROS = 100_000;

    /** Detects the version that this host uses and creates the group {@code parent} in it. */
    static Cgroups detect(String parent) {
        List<Mounts.Mount> mounts = Mounts.all();
        for (Mounts.Mount mount : mounts) {
            if (mount.type().equals("cgroup2") && CgroupsV2.usable(mount.target())) {
                return new CgroupsV2(mount.target(), parent);
            }
        }
        return CgroupsV1.find(mounts, parent)
                .orElseThrow(() ->
                        new FailedException("no control groups with cpu, memory and pids are mounted on this host:"
                                + " mount cgroup2 at /sys/fs/cgroup (systemd does) or the version 1 controllers"));
    }

    /** The group's path in every tree, from the root: {@code /parent/name}. */
    String path(String name);

    /** {@code v1} or {@code v2}. */
    String version();

    /** Creates the group, or sets new limits if it exists. */
    void create(String name, Limits limits);

    /**
     * Changes only the memory limit of a group in use. The kernel reclaims what it can for that.
     *
     * @return false if the group uses more than that; its limit is then unchanged
     */
    boolean limitMemory(String name, long bytes);

    /** Reclaims about {@code bytes} of the group's memory that can be read again from disk; returns how much it was. */
    long reclaim(String name, long bytes);

    /** The files a process writes {@code 0} to, to join the group. */
    List<Path> join(String name);

    Set<Integer> processes(String name);

    /** Kills every process of the group and returns once none is left; a fork bomb cannot outrun it. */
    void kill(String name, Duration bound);

    /** Kills what is left in the group and removes it. */
    void remove(String name);

    Usage usage(String name);

    /** The count of OOM kills alone, which is cheaper than {@link #usage}: that makes the kernel add up statistics. */
    long oomKills(String name);

    /** The names of all groups under the parent. */
    Set<String> list();

    /** Removes the parent group, which must have no groups left. */
    void removeParent();

    /** Polls until {@code done}, because the kernel does not notify when a group becomes empty. */
    static void await(Duration bound, String what, BooleanSupplier done) {
        Poll.until(bound, Duration.ofMillis(2), what, done);
    }

    /** The names of the folders in {@code folder}; empty if it does not exist. */
    static Set<String> folders(Path folder) {
        Set<String> names = new TreeSet<>();
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(folder, Files::isDirectory)) {
            entries.forEach(entry -> names.add(entry.getFileName().toString()));
        } catch (NoSuchFileException e) {
            return names;
        } catch (IOException e) {
            throw new FailedException("cannot list control groups in " + folder + ": " + e.getMessage(), e);
        }
        return names;
    }
}
