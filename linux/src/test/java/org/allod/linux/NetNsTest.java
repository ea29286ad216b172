package org.allod.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.allod.base.Bug;
import org.allod.base.FailedException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class NetNsTest {
    private static final int AT_ONCE = 40;

    private final String prefix = "allodns-" + ProcessHandle.current().pid() + "-";

    @AfterEach
    void none() {
        NetNs.list(prefix).forEach(NetNs::delete);
    }

    /** The network namespaces that threads of this process are in. */
    private static Set<String> ofThreads() throws IOException {
        Set<String> all = new TreeSet<>();
        try (Stream<Path> threads = Files.list(Path.of("/proc/self/task"))) {
            for (Path thread : threads.toList()) {
                try {
                    all.add(Files.readSymbolicLink(thread.resolve("ns/net")).toString());
                } catch (IOException e) {
                    // The thread has ended since.
                }
            }
        }
        return all;
    }

    @Test
    void namespace_made_isOneThatIpKnowsAndUses() {
        String name = prefix + "a";
        NetNs.make(name);
        assertThat(Command.of("ip", "netns", "list").output()).contains(name);
        assertThat(Command.of("ip", "-netns", name, "-oneline", "link").output())
                .contains("lo:")
                .hasLineCount(1);
        assertThat(NetNs.list(prefix)).containsExactly(name);
        NetNs.delete(name);
        assertThat(NetNs.exists(name)).isFalse();
        assertThat(Command.of("ip", "netns", "list").output()).doesNotContain(name);
        NetNs.delete(name); // again: no error
    }

    @Test
    void namespace_madeByIp_isDeletedAndEntered() {
        String name = prefix + "b";
        Command.of("ip", "netns", "add", name).output();
        assertThat(Rtnetlink.inside(name, Rtnetlink::all))
                .extracting(LinkRequest::name)
                .containsExactly("lo");
        NetNs.delete(name);
        assertThat(Command.of("ip", "netns", "list").output()).doesNotContain(name);
    }

    @Test
    void namespace_deleted_isFreedWithWhatIsInIt() {
        String name = prefix + "c";
        String device = "alt" + ProcessHandle.current().pid();
        NetNs.make(name);
        Rtnetlink.here(links -> links.pair(
                new Rtnetlink.End(device, "02:00:00:00:00:01"),
                0,
                new Rtnetlink.End("eth0", "02:00:00:00:00:02"),
                name));
        NetNs.delete(name);
        // Nothing of ours holds it: it dies, and takes its end of the pair and so ours with it.
        Cgroups.await(
                Duration.ofSeconds(20),
                "the end of the namespace",
                () -> Rtnetlink.here(links -> links.find(device)).isEmpty());
    }

    /** What is woken by a thread in a foreign namespace may start threads there, the carriers of all virtual ones. */
    @Test
    void namespaces_enteredAllAtOnce_leaveEveryThreadAtHome() throws Exception {
        Set<String> home = ofThreads();
        assertThat(home).hasSize(1);
        String mine =
                Files.readSymbolicLink(Path.of("/proc/thread-self/ns/net")).toString();
        List<Future<Set<String>>> seen = new ArrayList<>();
        try (ExecutorService workers = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i < AT_ONCE; i++) {
                String name = prefix + i;
                seen.add(workers.submit(() -> {
                    NetNs.make(name);
                    TapDevice.make(name, "tap0", 65534);
                    Rtnetlink.inside(name, links -> {
                        links.ask(List.of(links.device("lo").up()));
                        return name;
                    });
                    Set<String> here = new TreeSet<>();
                    here.add(Files.readSymbolicLink(Path.of("/proc/thread-self/ns/net"))
                            .toString());
                    NetNs.delete(name);
                    return here;
                }));
            }
        }
        for (Future<Set<String>> each : seen) {
            assertThat(each.get()).containsExactly(mine);
        }
        assertThat(ofThreads()).isEqualTo(home);
    }

    @Test
    void inside_onAVirtualThread_isABug() throws Exception {
        String name = prefix + "v";
        NetNs.make(name);
        try (ExecutorService workers = Executors.newVirtualThreadPerTaskExecutor()) {
            var entering = workers.submit(() -> NetNs.inside(name, () -> 0));
            assertThatThrownBy(entering::get).hasCauseInstanceOf(Bug.class);
        }
        assertThat(ofThreads()).hasSize(1);
    }

    /** A thread that had stayed away would take whatever it starts or wakes along. */
    @Test
    void thread_thatMadeOrSpokeToANamespace_isHomeBeforeItGoesOn() throws Exception {
        String name = prefix + "h";
        NetNs.make(name);
        String home = Files.readSymbolicLink(Path.of("/proc/self/ns/net")).toString();
        assertThat(Rtnetlink.<String>inside(name, _ -> ofThisThread())).isEqualTo(home);
        Path other = NetNs.path(prefix + "i");
        Files.createFile(other);
        String after = PlatformThreads.call("test", () -> {
            assertThat(NetNs.mountNew(other)).isZero();
            return ofThisThread();
        });
        assertThat(after).isEqualTo(home);
        assertThat(Rtnetlink.inside(prefix + "i", Rtnetlink::all)).hasSize(1);
    }

    private static String ofThisThread() {
        try {
            return Files.readSymbolicLink(Path.of("/proc/thread-self/ns/net")).toString();
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    /** The calls see the namespace; whatever becomes of them, the thread comes back. */
    @Test
    void inside_callsThatFailOrThrow_comeHome() throws Exception {
        String name = prefix + "w";
        NetNs.make(name);
        Path self = Path.of("/proc/thread-self/ns/net");
        String home = Files.readSymbolicLink(self).toString();
        String[] away = {""};
        PlatformThreads.call("test", () -> {
            assertThat(NetNs.inside(name, () -> -Libc.EPERM)).isEqualTo(-Libc.EPERM);
            assertThatThrownBy(() -> NetNs.inside(name, () -> {
                        try {
                            away[0] = Files.readSymbolicLink(self).toString();
                        } catch (IOException e) {
                            throw new IllegalStateException(e);
                        }
                        throw new IllegalStateException("thrown in there");
                    }))
                    .hasMessage("thrown in there");
            try {
                assertThat(Files.readSymbolicLink(self)).hasToString(home);
            } catch (IOException e) {
                throw new IllegalStateException(e);
            }
            return 0;
        });
        assertThat(away[0]).startsWith("net:").isNotEqualTo(home);
    }

    @Test
    void name_takenOrHalfMade_isToldAndTakenAway() throws Exception {
        String name = prefix + "d";
        NetNs.make(name);
        assertThatThrownBy(() -> NetNs.make(name))
                .isInstanceOf(FailedException.class)
                .hasMessage("cannot make the network namespace " + name + ": there is one");
        NetNs.delete(name);
        Files.createFile(NetNs.path(name)); // a crash between the file and the mount
        assertThatThrownBy(() -> Rtnetlink.inside(name, Rtnetlink::all))
                .isInstanceOf(FailedException.class)
                .hasMessage("cannot enter the network namespace " + name + ": Invalid argument");
        NetNs.delete(name);
        NetNs.make(name);
        assertThat(Rtnetlink.inside(name, Rtnetlink::all)).hasSize(1);
        assertThatThrownBy(() -> Rtnetlink.inside(prefix + "none", Rtnetlink::all))
                .isInstanceOf(FailedException.class)
                .hasMessage("cannot enter the network namespace " + prefix + "none: No such file or directory");
    }
}
