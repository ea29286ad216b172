package org.allod.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.allod.base.MachineId;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Hostile guests, each beside a neighbour that must not notice. */
class HostileGuestTest {
    @TempDir
    static Path folder;

    private static GuestStartBench bench;
    private static GVisorRuntime runtime;
    private static MachineId neighbour;
    private MachineId machine;

    @BeforeAll
    static void open() {
        bench = new GuestStartBench(folder, "h" + ProcessHandle.current().pid());
        runtime = new GVisorRuntime(bench.resources);
        neighbour = bench.ids.machine();
        runtime.boot(bench.spec(neighbour, GuestStartBench.SERVER));
        GuestStartBench.await(neighbour, "/");
    }

    @AfterAll
    static void close() {
        runtime.remove(neighbour);
        bench.close();
    }

    @AfterEach
    void guestIsEndedWithoutTrace() {
        long begin = System.nanoTime();
        runtime.halt(machine);
        assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(Duration.ofSeconds(10));
        runtime.remove(machine);
        assertThat(bench.traces(machine)).isEmpty();
        neighbourIsWell();
    }

    private Guest hostile(String script) {
        machine = bench.ids.machine();
        return runtime.boot(bench.spec(machine, List.of("/bin/sh", "-c", script)));
    }

    /** For a while, the neighbour answers every request within a second, and runs commands. */
    private static void neighbourIsWell() {
        for (int i = 0; i < 10; i++) {
            long begin = System.nanoTime();
            assertThat(GuestStartBench.get(neighbour, "/")).contains("hello");
            assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(Duration.ofSeconds(1));
        }
        try {
            assertThat(GuestStartBench.run(runtime.find(neighbour).orElseThrow(), "true")
                            .exit()
                            .code())
                    .isZero();
        } catch (Exception e) {
            throw new AssertionError("the neighbour runs no command", e);
        }
    }

    private static void pause(long millis) throws InterruptedException {
        TimeUnit.MILLISECONDS.sleep(millis);
    }

    @Test
    void console_flooded_isBoundedOnDisk() throws Exception {
        hostile("yes $(head -c 4000 /dev/zero | tr '\\0' x)");
        pause(3000);
        neighbourIsWell();
        try (Stream<Path> files = Files.walk(bench.resources.folder(machine))) {
            long bytes = files.filter(f -> f.getFileName().toString().startsWith("console.log"))
                    .mapToLong(f -> f.toFile().length())
                    .sum();
            assertThat(bytes).isBetween(100_000L, 3L << 20);
        }
    }

    @Test
    void forkBomb_inGuest_isContained() throws Exception {
        hostile("f() { while :; do f & done; }; f");
        long most = 0;
        for (int i = 0; i < 20; i++) {
            pause(200);
            most = Math.max(
                    most, bench.resources.cgroups().usage(machine.text()).processes());
        }
        neighbourIsWell();
        assertThat(most).isBetween(2L, 4096L);
    }

    @Test
    void disk_filled_isFullForThatGuestAlone() throws Exception {
        Guest guest = hostile("dd if=/dev/zero of=/fill bs=1M 2>/fill.err; echo rest; exec sleep 100");
        for (int i = 0; i < 100 && guest.stats().diskBytes() < (31L << 20); i++) {
            pause(50);
        }
        neighbourIsWell();
        assertThat(guest.stats().diskBytes()).isBetween(31L << 20, 33L << 20);
        GuestStartBench.Ran more = GuestStartBench.run(guest, "sh", "-c", "echo more > /more");
        assertThat(more.err()).contains("No space left");
    }

    @Test
    void memory_filled_endsTheGuestAndSaysSo() throws Exception {
        Guest guest = hostile("dd if=/dev/zero of=/dev/shm/fill bs=1M count=1000; exec sleep 100");
        ExitStatus exit = guest.exited().get(30, TimeUnit.SECONDS);
        assertThat(exit).isEqualTo(new ExitStatus(137, 9, true));
        neighbourIsWell();
    }

    @Test
    void garbage_onTheChannel_cutsThatLinkAlone() throws Exception {
        Guest guest = hostile("exec /bin/garbage");
        // It counts in a file, which is empty for a moment whenever it is written.
        int sent = 0;
        for (int look = 0; look < 100 && sent <= 10; look++) {
            pause(200);
            String said = GuestStartBench.run(guest, "cat", "/www/sent").out().strip();
            sent = said.matches("[0-9]{1,9}") ? Integer.parseInt(said) : sent;
        }
        assertThat(sent).as("times that garbage was sent").isGreaterThan(10);
        neighbourIsWell();
        // PID 1 still has its own connection, or makes it again.
        assertThat(guest.exited()).isNotDone();
    }

    /** Each of these wrote to the host's own file system once, or kept the next daemon from the guest. */
    @Test
    void channelFolder_isNotTheGuestsToWriteTo() throws Exception {
        Guest guest = hostile("exec sleep 100");
        SandboxPaths folders = SandboxPaths.of(bench.resources, machine);
        GuestStartBench.Ran ran = GuestStartBench.run(guest, "sh", "-c", """
                cd /.allod/channel
                dd if=/dev/zero of=big bs=1M count=64 && echo WROTE
                n=$(head -c 200 /dev/zero | tr '\\0' n)
                i=0; while [ $i -lt 20 ]; do mkdir $n && echo NESTED; cd $n || break; i=$((i + 1)); done
                rm -f host.sock && echo REMOVED
                mv host.sock other && echo MOVED
                mkdir host.sock && echo REPLACED
                ln -s / link && echo LINKED
                mkfifo fifo && echo MADE
                chmod 777 . && echo CHANGED
                chmod 777 host.sock && echo CHANGED
                touch -d @0 host.sock && echo DATED
                mount -o remount,rw /.allod/channel && echo REMOUNTED
                ls""");
        assertThat(ran.out().strip()).isEqualTo("host.sock");
        try (Stream<Path> all = Files.list(folders.channel())) {
            assertThat(all).containsExactly(folders.socket());
        }
        // The daemon that listened is gone; the next knows nothing of the guest.
        ((GVisorGuest) guest).hangUp();
        try (RuntimeResources resources = new RuntimeResources(bench.resources.config(), bench.clock, bench.timers)) {
            Guest adopted = new GVisorRuntime(resources).find(machine).orElseThrow();
            assertThat(GuestStartBench.run(adopted, "echo", "there").out().strip())
                    .isEqualTo("there");
        }
    }

    @Test
    void signals_allIgnored_doNotSaveTheGuest() throws Exception {
        Guest guest = hostile("trap '' 1 2 3 4 5 6 7 8 10 12 13 14 15; while :; do sleep 1; done");
        pause(300);
        guest.signal(15);
        guest.signal(2);
        pause(300);
        assertThat(guest.exited()).isNotDone();
        runtime.halt(machine);
        assertThat(guest.exited().get(5, TimeUnit.SECONDS)).isEqualTo(ExitStatus.LOST);
    }

    @Test
    void guest_reachingForTheHost_isDenied() throws Exception {
        Guest guest = hostile("exec httpd -f -p [::]:8080 -h /www");
        String self = GuestStartBench.NET.address(machine);
        assertThat(reaches(guest, self, GuestStartBench.PORT))
                .as("the way of asking works")
                .isTrue();
        try (ServerSocket server = new ServerSocket(0)) {
            assertThat(reaches(guest, MachineLink.GATEWAY4, server.getLocalPort()))
                    .isFalse();
            assertThat(reaches(guest, MachineLink.HOST6, server.getLocalPort())).isFalse();
        }
        assertThat(reaches(guest, GuestStartBench.NET.address(neighbour), GuestStartBench.PORT))
                .isFalse();
    }

    private static boolean reaches(Guest guest, String host, int port) throws Exception {
        return GuestStartBench.run(guest, "timeout", "2", "nc", "-w", "1", host, Integer.toString(port))
                        .exit()
                        .code()
                == 0;
    }
}
