package org.allod.image;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.UnknownHostException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.allod.base.FailedException;
import org.allod.base.RejectedException;
import org.allod.base.RejectedException.Reason;
import org.allod.base.Rng;
import org.allod.base.SystemClock;
import org.allod.base.SystemTimers;
import org.allod.image.ImageStore.Progress;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What an app's token can make this host do by naming an image, and what it cannot. */
class TenantImageTest {
    private static final Requester SHOP = new Requester.App("shop");
    private static final Requester BANK = new Requester.App("bank");

    /** Loopback stands for the network that the operator allows; 127.0.0.2 for one that is forbidden. */
    private static final RegistryPolicy ONE_REGISTRY = RegistryPolicy.parse("127.0.0.1", false);

    @TempDir
    static Path shared;

    @TempDir
    Path scratch;

    private static DockerRegistry locked;
    private static DockerRegistry open;

    @BeforeAll
    static void start() throws Exception {
        locked = new DockerRegistry(shared.resolve("locked"), true);
        open = new DockerRegistry(shared.resolve("open"), false);
        Path layout = new OciLayoutBuilder(shared.resolve("layout"))
                .layer(new TarMaker().folder("srv").file("srv/name", "private").bytes())
                .done();
        locked.push(layout, "team/private:v1", "--dest-creds=alice:s3cret:with:colons");
    }

    @AfterAll
    static void stop() throws Exception {
        locked.close();
        open.close();
    }

    private ImageStoreConfig settings(RegistryPolicy policy) {
        return ImageStoreConfig.in(scratch.resolve("images"))
                .withPolicy(policy)
                .withEnv(Map.of("DOCKER_CONFIG", scratch.resolve("docker").toString()));
    }

    private static RejectedException refused(LocalImageStore library, String reference, Requester by) {
        AtomicReference<RejectedException> found = new AtomicReference<>();
        assertThatExceptionOfType(RejectedException.class)
                .as(reference)
                .isThrownBy(() -> library.ensure(reference, by, Progress.NONE))
                .satisfies(found::set);
        return found.get();
    }

    private Path pipe(String name) throws Exception {
        Path pipe = scratch.resolve(name);
        MountedImage.run("mkfifo", pipe.toString());
        return pipe;
    }

    @Test
    void pathOfTheHost_isTheOperatorsToName_whateverIsThere() throws Exception {
        Path layout = new OciLayoutBuilder(scratch.resolve("layout"))
                .layer(new TarMaker().file("a", "a").bytes())
                .done();
        try (Fixture fixture = new Fixture(settings(RegistryPolicy.USUAL))) {
            List<String> paths = List.of(
                    layout.toString(),
                    pipe("pipe").toString(),
                    scratch.resolve("nothing").toString(),
                    "/dev/tty",
                    "\0");
            for (String path : paths) {
                RejectedException why = refused(fixture.library, "oci:" + path, SHOP);
                assertThat(why.reason()).isEqualTo(Reason.FORBIDDEN);
                assertThat(why.getMessage()).endsWith("is a path on the host, and only the operator may name one");
            }
            assertThat(fixture.library.list()).isEmpty();
            // What the operator gave the app it keeps; another has no more right to it than before.
            Image given = fixture.library.ensure("oci:" + layout, Requester.of("shop", false), Progress.NONE);
            assertThat(fixture.library.ensure("oci:" + layout, SHOP, Progress.NONE))
                    .isEqualTo(given);
            assertThat(refused(fixture.library, "oci:" + layout, BANK).reason()).isEqualTo(Reason.FORBIDDEN);
            fixture.library.forgetApp("shop");
            assertThat(refused(fixture.library, "oci:" + layout, SHOP).reason()).isEqualTo(Reason.FORBIDDEN);
        }
    }

    @Test
    void whatIsNoRegularFile_isNotOpened_notEvenForTheOperator() throws Exception {
        Path plain = Files.writeString(scratch.resolve("plain"), "x");
        OciLayoutBuilder maker = new OciLayoutBuilder(scratch.resolve("layout"));
        Path layout = maker.layer(new TarMaker().file("a", "a").bytes()).done();
        Path blob = layout.resolve("blobs/sha256")
                .resolve(maker.layers.getFirst().path("digest").stringValue("").substring("sha256:".length()));
        Files.delete(blob);
        MountedImage.run("mkfifo", blob.toString());
        List<Path> paths = List.of(
                pipe("pipe"), Path.of("/dev/zero"), Files.createSymbolicLink(scratch.resolve("link"), plain), layout);
        try (Fixture fixture = new Fixture(settings(RegistryPolicy.USUAL))) {
            for (Path path : paths) {
                assertTimeoutPreemptively(
                        Duration.ofSeconds(20),
                        () -> assertThat(refused(fixture.library, "oci:" + path, Requester.operator())
                                        .getMessage())
                                .endsWith("is not a regular file"));
            }
        }
    }

    /** A listener that must never be connected to. */
    private static final class Forbidden implements AutoCloseable {
        final ServerSocket server;
        final AtomicInteger connections = new AtomicInteger();

        Forbidden(String address) throws IOException {
            server = new ServerSocket(0, 50, InetAddress.getByName(address));
            Thread.ofVirtual().start(() -> {
                while (!server.isClosed()) {
                    try (Socket _ = server.accept()) {
                        connections.incrementAndGet();
                    } catch (IOException e) {
                        return;
                    }
                }
            });
        }

        String host() {
            return server.getInetAddress().getHostAddress() + ":" + server.getLocalPort();
        }

        @Override
        public void close() throws IOException {
            server.close();
        }
    }

    @Test
    void forbiddenAddresses_areNotConnectedTo_underWhateverName_andTellNothing() throws Exception {
        // A name that leads to a public address first, then to loopback, as a rebinding DNS server answers.
        AtomicInteger asked = new AtomicInteger();
        PolicedConnector.Names names = host -> switch (host) {
            case "inside.test" -> List.of(InetAddress.getByName("127.0.0.1"));
            case "metadata.test" -> List.of(InetAddress.getByName("169.254.169.254"), InetAddress.getByName("::1"));
            case "rebinds.test" ->
                List.of(InetAddress.getByName(asked.getAndIncrement() == 0 ? "10.0.0.1" : "127.0.0.1"));
            default -> throw new UnknownHostException(host);
        };
        try (Forbidden listener = new Forbidden("127.0.0.1");
                SystemTimers timers = new SystemTimers();
                LocalImageStore library = new LocalImageStore(
                        settings(RegistryPolicy.USUAL), new SystemClock(), timers, Rng.system(), names)) {
            int open = listener.server.getLocalPort();
            int closed = DockerRegistry.freePort();
            Set<String> said = new HashSet<>();
            for (String host : List.of(
                    "127.0.0.1",
                    "localhost",
                    "[::1]",
                    "inside.test",
                    "metadata.test",
                    "rebinds.test",
                    "unknown.test")) {
                for (int port : new int[] {open, closed}) {
                    String name = host + ":" + port;
                    RejectedException why = refused(library, name + "/a:b", SHOP);
                    assertThat(why.reason()).isEqualTo(Reason.FORBIDDEN);
                    said.add(why.getMessage().replace(name, "NAME"));
                }
            }
            assertThat(said).hasSize(1);
            assertThat(listener.connections).hasValue(0);
        }
    }

    @Test
    void redirectsAndTokenServices_areJudgedLikeRegistries() throws Exception {
        HttpServer registry = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
        try (Forbidden listener = new Forbidden("127.0.0.2");
                Fixture fixture = new Fixture(settings(ONE_REGISTRY))) {
            registry.createContext("/v2/moved", exchange -> {
                exchange.getResponseHeaders().add("Location", "http://" + listener.host() + "/latest/meta-data");
                exchange.sendResponseHeaders(307, -1);
                exchange.close();
            });
            registry.createContext("/v2/token", exchange -> {
                exchange.getResponseHeaders()
                        .add("WWW-Authenticate", "Bearer realm=\"http://" + listener.host() + "/token\"");
                exchange.sendResponseHeaders(401, -1);
                exchange.close();
            });
            registry.start();
            String host = "127.0.0.1:" + registry.getAddress().getPort();
            for (String name : List.of("moved", "token")) {
                assertThat(refused(fixture.library, host + "/" + name + ":v1", SHOP)
                                .reason())
                        .isEqualTo(Reason.FORBIDDEN);
            }
            assertThat(listener.connections).hasValue(0);
            // The operator is not held to it.
            assertThatExceptionOfType(FailedException.class)
                    .isThrownBy(() -> fixture.library.pull(host + "/moved:v1", Progress.NONE));
            assertThat(listener.connections.get()).isPositive();
        } finally {
            registry.stop(0);
        }
    }

    private static String login(String pair) {
        return "{\"auths\":{\"%s\":{\"auth\":\"%s\"}}}"
                .formatted(locked.host(), Base64.getEncoder().encodeToString(pair.getBytes(UTF_8)));
    }

    @Test
    void credentials_areTheAppsOwn_orTheOperatorsByChoice() throws Exception {
        Files.createDirectories(scratch.resolve("docker"));
        Files.writeString(scratch.resolve("docker/config.json"), login("alice:s3cret:with:colons"));
        String reference = locked.host() + "/team/private:v1";
        try (Fixture fixture = new Fixture(settings(ONE_REGISTRY))) {
            RejectedException why = refused(fixture.library, reference, SHOP);
            assertThat(why.reason()).isEqualTo(Reason.UNAUTHENTICATED);
            assertThat(why.getMessage()).contains("app shop has none").doesNotContain("" + scratch);
            // Here, pulled for another: still not this app's.
            Image image = fixture.library.pull(reference, Progress.NONE);
            assertThat(refused(fixture.library, reference, SHOP).reason()).isEqualTo(Reason.UNAUTHENTICATED);
            assertThat(refused(fixture.library, locked.host() + "/team/private@" + image.digest(), SHOP)
                            .reason())
                    .isEqualTo(Reason.UNAUTHENTICATED);
            Files.createDirectories(scratch.resolve("registry-credentials"));
            Files.writeString(scratch.resolve("registry-credentials/shop.json"), login("alice:s3cret:with:colons"));
            assertThat(fixture.library.ensure(reference, SHOP, Progress.NONE).digest())
                    .isEqualTo(image.digest());
            String pinned = locked.host() + "/team/private@" + image.digest();
            assertThat(fixture.library.ensure(pinned, SHOP, Progress.NONE).digest())
                    .isEqualTo(image.digest());
            assertThat(refused(fixture.library, reference, BANK).reason()).isEqualTo(Reason.UNAUTHENTICATED);
        }
        // What the app was given it has, also after a restart and without its password.
        Path own = scratch.resolve("registry-credentials/shop.json");
        Files.delete(own);
        try (Fixture fixture = new Fixture(settings(ONE_REGISTRY))) {
            fixture.library.ensure(reference, SHOP, Progress.NONE);
            Files.writeString(own, login("alice:s3cret:with:colons"));
            fixture.library.forgetApp("shop");
            assertThat(own).doesNotExist();
            assertThat(refused(fixture.library, reference, SHOP).reason()).isEqualTo(Reason.UNAUTHENTICATED);
        }
        try (Fixture fixture = new Fixture(settings(RegistryPolicy.parse("127.0.0.1", true)))) {
            fixture.library.ensure(reference, BANK, Progress.NONE);
        }
    }

    @Test
    void imageThatUnpacksToTooMuch_isGivenUpWhileItIsUnpacked() throws Exception {
        OciLayoutBuilder bytes = new OciLayoutBuilder(scratch.resolve("bytes"));
        bytes.layer(new TarMaker().file("zeros", new byte[32 << 20], 0644).bytes())
                .done();
        TarMaker many = new TarMaker();
        for (int i = 0; i < 2_000; i++) {
            many.file("f" + i, "");
        }
        OciLayoutBuilder entries = new OciLayoutBuilder(scratch.resolve("entries"));
        entries.layer(many.bytes()).done();
        try (Fixture fixture = new Fixture(settings(ONE_REGISTRY)
                .withAppLimits(ImageLimits.APP.withImageBytes(8 << 20).withEntries(1_000)))) {
            open.push(bytes.folder, "bytes:v1");
            open.push(entries.folder, "entries:v1");
            for (String name : List.of("bytes", "entries")) {
                assertThat(refused(fixture.library, open.host() + "/" + name + ":v1", SHOP)
                                .reason())
                        .isEqualTo(Reason.TOO_LARGE);
                assertThat(scratch.resolve("images/staging").toFile().list()).isEmpty();
                assertThat(scratch.resolve("images/blobs/partial").toFile().list())
                        .isEmpty();
                assertThat(scratch.resolve("images/blobs/verified").toFile().list())
                        .isEmpty();
            }
            for (String name : List.of("bytes", "entries")) {
                fixture.library.pull(open.host() + "/" + name + ":v1", Progress.NONE);
            }
        }
    }

    @Test
    void appsImagesTogether_haveABound() throws Exception {
        byte[] noise = new byte[3 << 19];
        try (Fixture fixture =
                new Fixture(settings(ONE_REGISTRY).withAppLimits(ImageLimits.APP.withImageBytes(2 << 20)))) {
            for (int i = 0; i < 6; i++) {
                new java.util.Random(i).nextBytes(noise);
                OciLayoutBuilder maker = new OciLayoutBuilder(scratch.resolve("layout-" + i));
                open.push(
                        maker.layer(new TarMaker().file("noise", noise, 0644).bytes())
                                .done(),
                        "noise:v" + i);
            }
            for (int i = 0; i < 5; i++) {
                fixture.library.ensure(open.host() + "/noise:v" + i, SHOP, Progress.NONE);
            }
            RejectedException why = refused(fixture.library, open.host() + "/noise:v5", SHOP);
            assertThat(why.reason()).isEqualTo(Reason.CAPACITY);
            assertThat(why.getMessage()).contains("may have 8");
            fixture.library.ensure(open.host() + "/noise:v0", SHOP, Progress.NONE);
            fixture.library.ensure(open.host() + "/noise:v5", BANK, Progress.NONE);
        }
    }

    @Test
    void disksReserve_isLeftByWhatIsUnpackedMeanwhile() {
        // Each look finds less: others write too.
        AtomicInteger looks = new AtomicInteger();
        SpaceGuard guard = new SpaceGuard(() -> (4 - looks.getAndIncrement()) << 20, 2 << 20);
        assertThatExceptionOfType(RejectedException.class)
                .isThrownBy(() -> {
                    for (int i = 0; i < 100; i++) {
                        guard.wrote(1 << 20);
                    }
                })
                .satisfies(e -> assertThat(e.reason()).isEqualTo(Reason.CAPACITY))
                .withMessageContaining("25 MiB");
    }

    @Test
    void cancelledPulls_endAtOnce_whateverTheyWaitFor() throws Exception {
        CountDownLatch silent = new CountDownLatch(2);
        List<Socket> held = new ArrayList<>();
        try (ServerSocket registry = new ServerSocket(0, 50, InetAddress.getByName("127.0.0.1"));
                Fixture fixture = new Fixture(settings(ONE_REGISTRY))) {
            Thread.ofVirtual().start(() -> {
                while (!registry.isClosed()) {
                    try {
                        held.add(registry.accept()); // and never a word
                        silent.countDown();
                    } catch (IOException e) {
                        return;
                    }
                }
            });
            String reference = "127.0.0.1:" + registry.getLocalPort() + "/a:b";
            List<Thread> pulls = new ArrayList<>();
            for (int i = 0; i < 20; i++) {
                pulls.add(Thread.ofVirtual().start(() -> {
                    try {
                        fixture.library.ensure(reference, SHOP, Progress.NONE);
                    } catch (FailedException e) {
                        assertThat(e).hasMessageContaining("interrupted");
                    }
                }));
            }
            assertThat(silent.await(20, TimeUnit.SECONDS)).isTrue();
            // Two at once for an app: the others hold no thread of the system's, and no connection.
            List<Thread> workers = workers();
            assertThat(workers).hasSizeLessThanOrEqualTo(2);
            pulls.forEach(Thread::interrupt);
            for (Thread pull : pulls) {
                assertThat(pull.join(Duration.ofSeconds(20))).isTrue();
            }
            for (Thread worker : workers) {
                assertThat(worker.join(Duration.ofSeconds(20))).isTrue();
            }
            assertThat(held).hasSize(2);
        }
        for (Socket socket : held) {
            socket.close();
        }
    }

    private static List<Thread> workers() {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.getName().startsWith("image: pull 127"))
                .toList();
    }
}
