package org.allod.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.allod.base.Failed;
import org.allod.base.MachineId;
import org.allod.base.Poll;
import org.allod.base.SystemClock;
import org.allod.base.SystemTimers;
import org.allod.linux.Command;
import org.allod.linux.Launch;
import org.allod.linux.ProcessId;
import org.junit.jupiter.api.Test;

/**
 * From a suspended microVM to the first byte of its server, through the runtime and by bare QEMU (same memory, same
 * options, no daemon, no user of its own), in turns.
 */
class MicroVmResumeTest {
    private static final MachineId MACHINE = MachineId.of(0xa110d0000003L);
    private static final int ROUNDS = Integer.getInteger("allod.rounds", 3);

    private final Path data = Path.of("target/microvm-resume").toAbsolutePath();
    private final Path kept = data.resolve("kept");

    @Test
    void resume_toTheFirstByte_isCloseToBareQemu() throws Exception {
        Path image = image();
        RuntimeConfig config = MicroVmRuntimeTest.config(data);
        try (SystemTimers timers = new SystemTimers();
                Premises premises = new Premises(config, new SystemClock(), timers)) {
            MicroVmRuntime runtime = new MicroVmRuntime(premises);
            runtime.present().forEach(runtime::remove);
            GuestSpec spec =
                    MicroVmRuntimeTest.spec(MACHINE, image, "echo x > /index.html; exec httpd -f -p [::]:80 -h /");
            String address = spec.network().address(MACHINE);
            VmFolders folders = VmFolders.of(premises, MACHINE);
            runtime.prepare(spec);
            var _ = runtime.boot(spec);
            Poll.until(Duration.ofSeconds(20), Duration.ofMillis(50), "a page", () -> page(address));
            List<Long> ours = new ArrayList<>();
            List<Long> bare = new ArrayList<>();
            for (int i = 0; i < ROUNDS; i++) {
                runtime.suspend(spec);
                Files.copy(folders.memory().saved(), kept, StandardCopyOption.REPLACE_EXISTING);
                bare.add(bare(premises, spec, address));
                long before = System.nanoTime();
                var _ = runtime.resume(spec);
                awaitPage(address);
                ours.add((System.nanoTime() - before) / 1_000_000);
                runtime.find(MACHINE).orElseThrow().exited();
            }
            runtime.remove(MACHINE);
            premises.dismantle();
            Collections.sort(ours);
            Collections.sort(bare);
            System.out.println("suspended microVM to first byte, ms: runtime " + ours + ", bare QEMU " + bare);
            // The benchmark holds the target (1.5); here only what is plainly broken.
            assertThat(ours.get(ROUNDS / 2)).isLessThan(3 * bare.get(ROUNDS / 2));
        }
    }

    private long bare(Premises premises, GuestSpec spec, String address) throws Exception {
        VmFolders folders = VmFolders.of(premises, MACHINE);
        Wire wire = premises.networks().setUp(MACHINE, address, Optional.of(folders.uid()));
        BootFiles.Made boot = new BootFiles(
                        new GuestKernel(GuestBinary.tools()), premises.config().guestBinary(), data.resolve("microvm"))
                .get(false);
        QemuLine line = new QemuLine(
                false,
                spec.cpus(),
                spec.memoryMb(),
                java.util.List.of(),
                boot.kernel(),
                boot.initramfs(),
                spec.rootImage(),
                folders.disk(),
                java.util.List.of(),
                folders,
                Optional.of(kept),
                Optional.of(new QemuLine.Tap(Wire.TAP, wire.mac())),
                List.of(),
                premises.config().guestBinary());
        List<String> argv = new ArrayList<>(line.argv());
        int from = argv.indexOf("unshare");
        while (!argv.get(from).equals("qemu-system-x86_64")) {
            argv.remove(from);
        }
        long before = System.nanoTime();
        Files.deleteIfExists(folders.control());
        Files.deleteIfExists(folders.channel());
        ProcessId process =
                Launch.of(argv).namespace(wire.namespace()).start().process().orElseThrow();
        MicroVm vm = new MicroVm(premises, folders);
        Poll.until(Duration.ofSeconds(10), Duration.ofMillis(1), "its socket", () -> {
            try (Qmp _ = Qmp.open(folders.control(), 0, premises.timers())) {
                return true;
            } catch (Failed e) {
                return false;
            }
        });
        try (Qmp qmp = Qmp.open(folders.control(), 0, premises.timers())) {
            qmp.run("migrate-incoming", Map.of("uri", QemuLine.INCOMING));
            Poll.until(
                    Duration.ofSeconds(10),
                    Duration.ofMillis(1),
                    "its memory",
                    () -> qmp.run("query-migrate").path("status").asString("").equals("completed"));
            qmp.run("cont");
        }
        awaitPage(address);
        long took = (System.nanoTime() - before) / 1_000_000;
        vm.kill(process);
        return took;
    }

    private static void awaitPage(String address) {
        Poll.until(Duration.ofSeconds(20), Duration.ofMillis(1), "a page", () -> page(address));
    }

    private static boolean page(String address) {
        try (Socket socket = new Socket()) {
            socket.connect(new InetSocketAddress(address, 80), 5000);
            socket.setSoTimeout(5000);
            socket.getOutputStream().write("GET / HTTP/1.0\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
            return socket.getInputStream().read() == 'H';
        } catch (IOException e) {
            return false;
        }
    }

    private Path image() throws Exception {
        Premises.delete(data);
        Files.createDirectories(data);
        new GuestKernel(GuestBinary.tools()).install(System.out::println);
        GuestBinary.install();
        Path root = data.resolve("root");
        for (String folder : List.of("bin", "etc", "proc", "sys", "dev", "tmp")) {
            Files.createDirectories(root.resolve(folder));
        }
        Files.copy(Path.of("/bin/busybox"), root.resolve("bin/busybox"), StandardCopyOption.COPY_ATTRIBUTES);
        for (String tool : List.of("sh", "httpd", "echo")) {
            Files.createSymbolicLink(root.resolve("bin/" + tool), Path.of("busybox"));
        }
        Path image = data.resolve("image.erofs");
        var _ = Command.of("mkfs.erofs", "--quiet", image.toString(), root.toString())
                .output();
        return image;
    }
}
