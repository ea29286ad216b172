package org.allod.runtime;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.allod.base.Poll;
import org.allod.linux.Cgroups;
import org.allod.linux.Command;
import org.allod.linux.DetachedProcess;
import org.allod.linux.Signals;

/**
 * What {@link CgroupsV2Test} runs inside a guest, as root of a kernel of its own: control groups of version 2, all
 * controllers in one tree. Ends with 0 where all is as it should be, else with 1 and a stack trace.
 */
final class CgroupsInside {
    private static final Path ROOT = Path.of("/sys/fs/cgroup");
    private static final Duration BOUND = Duration.ofSeconds(60);
    private static final long MB = 1 << 20;
    private static final Cgroups.Limits LIMITS = new Cgroups.Limits(500, 64 * MB, 40, 50);

    /** Holds so much memory that nobody can take from it: it stands in a pipe that nobody reads. */
    private static final String HOLD = "dd if=/dev/zero bs=%dM count=1 2> /dev/null | sleep 600";

    private CgroupsInside() {}

    public static void main(String[] args) throws Exception {
        Path service = become("allod.service");
        underSystemd();
        check(Files.exists(service), "the service's own group is still there");
        inAContainer();
        System.out.println("all is well");
    }

    /** A group beside ours as systemd makes one for a service, with this process in it. */
    private static Path become(String name) throws IOException {
        Path slice = Files.createDirectories(ROOT.resolve("system.slice"));
        Path group = Files.createDirectories(slice.resolve(name));
        Files.writeString(group.resolve("cgroup.procs"), "0");
        return group;
    }

    private static void underSystemd() throws Exception {
        Cgroups groups = Cgroups.detect("allod-inside");
        same(groups.version(), "v2");
        limits(groups);
        processes(groups);
        processor(groups);
        cache(groups);
        held(groups);
        outOfMemory(groups);
        // systemd gives controllers back that none of its own units wants. The kernel lets it not, while we use them.
        try {
            Files.writeString(ROOT.resolve("cgroup.subtree_control"), "-memory");
            throw new AssertionError("systemd could take our controllers away");
        } catch (IOException expected) {
            check(inUse(expected), "refused for being in use: " + expected.getMessage());
        }
        end(groups);
    }

    private static boolean inUse(IOException e) {
        return String.valueOf(e.getMessage()).contains("busy");
    }

    private static void end(Cgroups groups) {
        Set.copyOf(groups.list()).forEach(groups::remove);
        same(groups.list(), Set.of());
        groups.removeParent();
        check(!Files.exists(ROOT.resolve("allod-inside")), "the parent is gone");
    }

    private static void limits(Cgroups groups) {
        groups.create("a", new Cgroups.Limits(1000, 32 * MB, 20));
        groups.create("a", LIMITS);
        same(groups.list(), Set.of("a"));
        same(groups.path("a"), "/allod-inside/a");
        same(file("a", "cpu.max"), "50000 100000");
        same(file("a", "cpu.weight"), "50");
        same(file("a", "memory.max"), "" + 64 * MB);
        same(file("a", "memory.swap.max"), "0");
        same(file("a", "memory.oom.group"), "1");
        same(file("a", "pids.max"), "40");
        same(groups.usage("a").memoryLimitBytes(), 64 * MB);
        same(groups.usage("a").processes(), 0L);
        same(groups.oomKills("a"), 0L);
        groups.remove("a");
        groups.remove("a");
        groups.kill("a", BOUND);
        same(groups.list(), Set.of());
    }

    private static void processes(Cgroups groups) throws Exception {
        groups.create("b", LIMITS);
        DetachedProcess.Started started = launch(groups, "b", "sleep 600");
        int pid = started.process().orElseThrow().pid();
        await("joining", () -> groups.processes("b").contains(pid));
        groups.kill("b", BOUND);
        same(started.exit().get(20, TimeUnit.SECONDS), 128 + Signals.KILL);
        same(groups.processes("b"), Set.of());

        var _ = launch(groups, "b", "f() { while :; do f & done; }; f");
        await("the bomb", () -> groups.usage("b").processes() >= 30);
        await("being refused more", () -> field("b", "pids.events", "max") > 0);
        check(groups.usage("b").processes() <= 40, "a fork bomb is bounded");
        groups.kill("b", BOUND);
        same(groups.processes("b"), Set.of());
        groups.remove("b");
    }

    private static void processor(Cgroups groups) {
        groups.create("c", new Cgroups.Limits(100, 64 * MB, 40));
        var _ = launch(groups, "c", "while :; do :; done");
        await("being held up", () -> field("c", "cpu.stat", "nr_throttled") > 2);
        check(groups.usage("c").cpuNanos() > 0, "its processor time is told");
        groups.remove("c");
    }

    /** What a file left in memory is nobody's use, and is had back when asked for. */
    private static void cache(Cgroups groups) {
        groups.create("d", LIMITS);
        var _ = launch(groups, "d", "dd if=/dev/zero of=/big bs=1M count=32 conv=fsync 2> /dev/null; sleep 600");
        await("a file in memory", () -> field("d", "memory.stat", "inactive_file") > 30 * MB && dirty("d") == 0);
        check(current("d") > 30 * MB, "it counts: " + current("d"));
        check(groups.usage("d").memoryBytes() < 8 * MB, "as idle: " + groups.usage("d"));
        long had = groups.reclaim("d", 16 * MB);
        check(had >= 12 * MB && had <= 33 * MB, "reclaimed " + had);
        check(groups.limitMemory("d", 12 * MB), "a bound below the cache is a bound: " + current("d"));
        same(file("d", "memory.max"), "" + 12 * MB);
        check(current("d") <= 12 * MB, "and holds");
        same(groups.oomKills("d"), 0L);
        check(groups.processes("d").size() >= 1, "nothing was killed for it");
        groups.remove("d");
    }

    private static long dirty(String name) {
        return field(name, "memory.stat", "file_dirty") + field(name, "memory.stat", "file_writeback");
    }

    /** Memory in use is not taken: the bound stays as it was, and so does the process. */
    private static void held(Cgroups groups) {
        groups.create("e", LIMITS);
        var _ = launch(groups, "e", HOLD.formatted(32));
        await("holding 32 MB", () -> field("e", "memory.stat", "anon") > 31 * MB);
        check(!groups.limitMemory("e", 8 * MB), "a bound below what is in use is refused");
        same(file("e", "memory.max"), "" + 64 * MB);
        check(groups.limitMemory("e", 48 * MB), "one above it is not");
        check(groups.reclaim("e", 16 * MB) < 4 * MB, "nothing of it can be had");
        same(groups.oomKills("e"), 0L);
        groups.remove("e");
    }

    private static void outOfMemory(Cgroups groups) throws Exception {
        groups.create("f", new Cgroups.Limits(1000, 16 * MB, 40));
        DetachedProcess.Started started = launch(groups, "f", "sleep 600 & " + HOLD.formatted(48));
        int exit = started.exit().get(BOUND.toSeconds(), TimeUnit.SECONDS);
        check(exit != 0, "ended with " + exit);
        check(groups.oomKills("f") > 0, "the kill is counted");
        check(groups.usage("f").oomKills() > 0, "and told");
        await("the end of all that was in it", () -> groups.processes("f").isEmpty());
        groups.remove("f");
    }

    /**
     * In a container the root we see is a group like any other, with us in it: the kernel lets no such group divide what
     * it has. A mount over the real root shows the same.
     */
    private static void inAContainer() throws Exception {
        Path slice = ROOT.resolve("system.slice");
        for (Path above : List.of(ROOT, slice)) {
            Files.writeString(above.resolve("cgroup.subtree_control"), "+cpu +memory +pids");
        }
        Path container = become("container.scope");
        var _ = Command.of("mount", "--bind", container.toString(), ROOT.toString())
                .output();
        Set<Integer> before = pids(ROOT);
        check(before.contains((int) ProcessHandle.current().pid()), "we are in it: " + before);
        Cgroups groups = Cgroups.detect("allod-inside");
        same(groups.version(), "v2");
        same(pids(ROOT), Set.of());
        processes(groups);
        held(groups);
        end(groups);
        same(Cgroups.detect("allod-inside").list(), Set.of());
        Cgroups.detect("allod-inside").removeParent();
    }

    private static Set<Integer> pids(Path group) throws IOException {
        return Set.copyOf(Files.readAllLines(group.resolve("cgroup.procs")).stream()
                .map(Integer::valueOf)
                .toList());
    }

    private static DetachedProcess.Started launch(Cgroups groups, String name, String script) {
        return DetachedProcess.of(List.of("sh", "-c", script))
                .groups(groups.join(name))
                .start();
    }

    private static String file(String name, String file) {
        try {
            return Files.readString(ROOT.resolve("allod-inside").resolve(name).resolve(file))
                    .strip();
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    private static long current(String name) {
        return Long.parseLong(file(name, "memory.current"));
    }

    private static long field(String name, String file, String key) {
        return file(name, file)
                .lines()
                .filter(line -> line.startsWith(key + " "))
                .mapToLong(line -> Long.parseLong(line.substring(key.length() + 1)))
                .findFirst()
                .orElseThrow(() -> new AssertionError("no " + key + " in " + file));
    }

    private static void await(String what, BooleanSupplier done) {
        Poll.until(BOUND, Duration.ofMillis(20), what, done);
    }

    private static void same(Object is, Object should) {
        check(is.equals(should), "expected " + should + ", got " + is);
    }

    private static void check(boolean holds, String what) {
        if (!holds) {
            throw new AssertionError(what);
        }
    }
}
