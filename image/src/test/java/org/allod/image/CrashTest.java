package org.allod.image;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import org.allod.base.FailedException;
import org.allod.base.Rng;
import org.allod.base.SystemClock;
import org.allod.base.SystemTimers;
import org.allod.image.ImageStore.BuildSpec;
import org.allod.image.ImageStore.Progress;
import org.allod.soak.Campaign;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The process that makes an image is killed; the next start finds a clean image folder. */
class CrashTest {
    @TempDir
    Path scratch;

    /** Runs in a process of its own: build or import into a folder, then say so. */
    static final class Victim {
        public static void main(String[] arguments) {
            LocalImageStore library = new LocalImageStore(
                    ImageStoreConfig.in(Path.of(arguments[0])), new SystemClock(), new SystemTimers(), Rng.system());
            System.out.println("started");
            if (arguments[1].equals("build")) {
                BuildSpec spec = new BuildSpec("web", List.of("busybox"), List.of(), List.of(), List.of(), List.of());
                library.build(spec, Progress.NONE);
            } else {
                library.importFrom(Path.of(arguments[1]), "web", Progress.NONE);
            }
            System.out.println("done");
            System.exit(0);
        }
    }

    private Process victim(Path folder, String work) throws IOException {
        Process process = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-XX:+UseSerialGC",
                        "-XX:TieredStopAtLevel=1",
                        "--enable-native-access=ALL-UNNAMED",
                        "-cp",
                        System.getProperty("java.class.path"),
                        Victim.class.getName(),
                        folder.toString(),
                        work)
                .redirectErrorStream(true)
                .start();
        assertThat(process.inputReader().readLine()).isEqualTo("started");
        return process;
    }

    @Test
    void killedAtRandomMoments_importLeavesAllOrNothing() throws Exception {
        Campaign campaign = Campaign.of("image-kills");
        Random random = new Random(campaign.seed());
        byte[] noise = new byte[8 << 20];
        random.nextBytes(noise);
        Path layout = new OciLayoutBuilder(scratch.resolve("layout"))
                .layer(new TarMaker().file("noise", noise, 0644).bytes())
                .done();
        Path folder = scratch.resolve("library");
        int killed = 0;
        for (int i = 0; campaign.goesOn(i, 5); i++) {
            Process process = victim(folder, layout.toString());
            Thread.sleep(random.nextInt(700));
            killed += process.isAlive() ? 1 : 0;
            process.destroyForcibly().waitFor();
            try (Fixture fixture = new Fixture(folder)) {
                assertThat(folder.resolve("staging")).isEmptyDirectory();
                for (Image image : fixture.library.list()) {
                    try (MountedImage mounted = MountedImage.of(image.rootImage(), scratch)) {
                        assertThat(Files.readAllBytes(mounted.root().resolve("noise")))
                                .isEqualTo(noise);
                    }
                }
                fixture.library.list().forEach(image -> fixture.library.remove(image.reference()));
                fixture.library.collect(java.util.Set.of());
                assertThat(folder.resolve("images")).isEmptyDirectory();
            }
        }
        assertThat(killed).as("killed while it worked").isPositive();
    }

    @Test
    void killedDuringABuild_noProcessAndNoMountOfItStays() throws Exception {
        Path folder = scratch.resolve("library");
        Process process = victim(folder, "build");
        awaitProcesses(folder, true);
        process.destroyForcibly().waitFor();
        awaitProcesses(folder, false);
        assertThat(Files.readString(Path.of("/proc/self/mountinfo"))).doesNotContain(folder.toString());
        try (Fixture fixture = new Fixture(folder)) {
            assertThat(folder.resolve("staging")).isEmptyDirectory();
            assertThat(fixture.library.list()).isEmpty();
        }
    }

    @Test
    void interruptedDuringABuild_endsSoon_andLeavesNothing() throws Exception {
        Path folder = scratch.resolve("library");
        try (Fixture fixture = new Fixture(folder)) {
            Throwable[] thrown = new Throwable[1];
            Thread thread = Thread.ofVirtual().start(() -> {
                try {
                    fixture.library.build(
                            new BuildSpec("web", List.of("busybox"), List.of(), List.of(), List.of(), List.of()),
                            Progress.NONE);
                } catch (FailedException e) {
                    thrown[0] = e;
                }
            });
            awaitProcesses(folder, true);
            thread.interrupt();
            thread.join(10_000);
            assertThat(thread.isAlive()).isFalse();
            assertThat(thrown[0]).hasMessageContaining("was interrupted");
            awaitProcesses(folder, false);
            assertThat(folder.resolve("staging")).isEmptyDirectory();
        }
    }

    /** Programs whose command line names the folder. */
    private static void awaitProcesses(Path folder, boolean some) throws Exception {
        for (int i = 0; i < 100; i++) {
            long count = ProcessHandle.allProcesses()
                    .filter(process -> process.info().commandLine().orElse("").contains("mmdebstrap"))
                    .filter(process -> process.info().commandLine().orElse("").contains(folder.toString()))
                    .count();
            if (some == (count > 0)) {
                return;
            }
            Thread.sleep(100);
        }
        throw new AssertionError(some ? "no build was started" : "a build goes on after its daemon's death");
    }
}
