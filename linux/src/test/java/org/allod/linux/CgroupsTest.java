package org.allod.linux;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.allod.base.Poll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class CgroupsTest {
    private static final Cgroups.Limits LIMITS = new Cgroups.Limits(500, 64 << 20, 40);
    private final String parent = "allodtest" + ProcessHandle.current().pid();
    private final Cgroups groups = Cgroups.detect(parent);

    @AfterEach
    void nothingRemains() {
        groups.list().forEach(groups::remove);
        groups.removeParent();
        assertThat(groups.list()).isEmpty();
    }

    @Test
    void group_madeTwice_holdsItsProcessesAndLimits() throws Exception {
        groups.create("a", LIMITS);
        groups.create("a", LIMITS);
        assertThat(groups.list()).containsExactly("a");
        DetachedProcess.Started started = DetachedProcess.of(List.of("sleep", "30"))
                .groups(groups.join("a"))
                .start();
        int pid = started.process().orElseThrow().pid();
        Poll.until(
                Duration.ofSeconds(5),
                Duration.ofMillis(5),
                "joining",
                () -> groups.processes("a").contains(pid));
        // It joins the controllers one after the other; the last of them may come a moment later.
        Poll.until(
                Duration.ofSeconds(5),
                Duration.ofMillis(5),
                "joining every controller",
                () -> groups.usage("a").processes() == 1);
        assertThat(groups.usage("a").memoryLimitBytes()).isEqualTo(64 << 20);
        groups.create("a", new Cgroups.Limits(500, 128 << 20, 40));
        assertThat(groups.usage("a").memoryLimitBytes()).isEqualTo(128 << 20);
        groups.kill("a", Duration.ofSeconds(5));
        assertThat(started.exit().get(5, TimeUnit.SECONDS)).isEqualTo(128 + Signals.KILL);
        groups.remove("a");
        groups.remove("a");
        groups.kill("a", Duration.ofSeconds(5));
        assertThat(groups.list()).isEmpty();
    }

    /** What a move costs in time shows in a benchmark; here, that the kernel was asked not to make it wait. */
    @Test
    void moves_besideAnEmptyTreeOfVersion2_areFavored() {
        assertThat(Mounts.all())
                .filteredOn(
                        mount -> groups.version().equals("v1") && mount.type().equals("cgroup2"))
                .allSatisfy(mount -> assertThat(mount.options()).contains("favordynmods"));
    }

    @Test
    void forkBomb_inGroup_isBoundedAndKilledWhole() {
        groups.create("bomb", LIMITS);
        DetachedProcess.of(List.of("sh", "-c", "f() { while :; do f & done; }; f"))
                .groups(groups.join("bomb"))
                .start();
        Poll.until(
                Duration.ofSeconds(10),
                Duration.ofMillis(5),
                "the bomb",
                () -> groups.usage("bomb").processes() >= 30);
        assertThat(groups.usage("bomb").processes()).isLessThanOrEqualTo(40);
        groups.kill("bomb", Duration.ofSeconds(10));
        assertThat(groups.processes("bomb")).isEmpty();
    }

    @Test
    void memoryHog_inGroup_isKilledAndCounted() throws Exception {
        groups.create("hog", LIMITS);
        int exit = DetachedProcess.of(List.of("sh", "-c", "x=$(head -c 200000000 /dev/zero | tr '\\0' x); echo ${#x}"))
                .groups(groups.join("hog"))
                .start()
                .exit()
                .get(30, TimeUnit.SECONDS);
        assertThat(exit).isNotZero();
        assertThat(groups.usage("hog").oomKills()).isPositive();
        assertThat(groups.usage("hog").cpuNanos()).isPositive();
    }

    @Test
    void launch_intoMissingGroup_endsWithItsOwnCode() throws Exception {
        int exit = DetachedProcess.of(List.of("true"))
                .groups(List.of(Path.of("/sys/fs/cgroup/no/such/group/tasks")))
                .start()
                .exit()
                .get(5, TimeUnit.SECONDS);
        assertThat(exit).isEqualTo(125);
    }

    /** The tree of version 2 is there beside version 1, if without controllers: what needs none works for real. */
    @Test
    void version2_withoutControllers_findsAndKillsProcesses() throws Exception {
        Path root = Mounts.all().stream()
                .filter(mount -> mount.type().equals("cgroup2"))
                .findFirst()
                .orElseThrow()
                .target();
        Cgroups v2 = new CgroupsV2(root, parent);
        v2.create("b", LIMITS);
        DetachedProcess.Started started =
                DetachedProcess.of(List.of("sleep", "30")).groups(v2.join("b")).start();
        int pid = started.process().orElseThrow().pid();
        Poll.until(
                Duration.ofSeconds(5),
                Duration.ofMillis(5),
                "joining",
                () -> v2.processes("b").contains(pid));
        v2.remove("b");
        assertThat(started.exit().get(5, TimeUnit.SECONDS)).isEqualTo(128 + Signals.KILL);
        v2.removeParent();
    }

    @Test
    void keyedFile_withMissingKey_isUnknown() {
        String text = "low 0\nhigh 0\nmax 12\noom 3\noom_kill 2\n";
        assertThat(CgroupFiles.field(text, "oom_kill")).isEqualTo(2);
        assertThat(CgroupFiles.field(text, "oom")).isEqualTo(3);
        assertThat(CgroupFiles.field(text, "none")).isEqualTo(-1);
        assertThat(CgroupFiles.parse("max")).isEqualTo(-1);
    }
}
