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
 * Control groups, one a name, under one parent of ours: what bounds a guest and what finds all its processes. Version
 * 2 where the host has it with the controllers we need, else version 1 (also beside an empty version 2, "hybrid").
 * Every method may run twice.
 */
public sealed interface Cgroups permits CgroupsV1, CgroupsV2 {
    /**
     * What a group may use.
     *
     * @param cpuMillis thousandths of a processor
     * @param memoryBytes memory, page cache included
     * @param processes processes and threads of the host
     * @param cpuWeight its share of processor time where groups compete; 100 is usual
     */
    record Limits(long cpuMillis, long memoryBytes, long processes, int cpuWeight) {
        /** With the usual share. */
        public Limits(long cpuMillis, long memoryBytes, long processes) {
            this(cpuMillis, memoryBytes, processes, 100);
        }
    }

    /**
     * What a group uses; -1 where the host cannot tell.
     *
     * @param cpuNanos processor time since the group was made
     * @param memoryBytes memory that is not idle page cache
     * @param memoryLimitBytes the bound on it
     * @param processes processes and threads now
     * @param oomKills how often the kernel killed for memory in this group, since it was made
     */
    record Usage(long cpuNanos, long memoryBytes, long memoryLimitBytes, long processes, long oomKills) {}

    /** The period over which processor time is measured out: the kernel's own default. */
    long CPU_PERIOD_MICROS = 100_000;

    /** Finds what this host has and makes the parent group {@code parent} in it. */
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

    /** Makes the group, or sets new limits on the one that is there. */
    void create(String name, Limits limits);

    /**
     * Changes only the bound on memory, of a group in use. What the kernel can take back for that, it does.
     *
     * @return false where the group uses more than that, which then goes on as it was
     */
    boolean limitMemory(String name, long bytes);

    /** Takes back memory of the group's that can be had again from disk, about so much of it; how much it was. */
    long reclaim(String name, long bytes);

    /** The files a process writes {@code 0} to, to join the group. */
    List<Path> join(String name);

    Set<Integer> processes(String name);

    /** Kills every process of the group and returns once none is left; a fork bomb cannot outrun it. */
    void kill(String name, Duration bound);

    /** Kills what is left in the group and removes it. */
    void remove(String name);

    Usage usage(String name);

    /** Only how often memory ran out: reading all of a group's use makes the kernel add it up first. */
    long oomKills(String name);

    /** The names of all groups under the parent. */
    Set<String> list();

    /** Removes the parent group, once no group is left in it. */
    void removeParent();

    /** Waits until {@code done}: the kernel tells nobody when a group has emptied. */
    static void await(Duration bound, String what, BooleanSupplier done) {
        Poll.until(bound, Duration.ofMillis(2), what, done);
    }

    /** The folders in {@code folder}, or none where there is no such folder. */
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
