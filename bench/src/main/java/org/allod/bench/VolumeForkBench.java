package org.allod.bench;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.allod.base.FailedException;
import org.allod.linux.Command;
import org.allod.linux.Mounts;

/**
 * A fork of a 1 GiB volume full of data, through the API, on an XFS made for it; alternating with a bare {@code cp
 * --reflink=always} of the same file. A fork is durable when the response arrives: its record, its run, its blocks.
 */
final class VolumeForkBench extends GuestBench {
    private static final double TARGET = 50;
    private static final int WARM = 3;
    private static final int FULL_MB = 900;

    VolumeForkBench() {
        super(Map.of("rounds", "15"));
    }

    @Override
    public String name() {
        return "volume-fork";
    }

    @Override
    public String purpose() {
        return "fork of a 1 GiB volume on XFS through the API, beside cp --reflink=always";
    }

    @Override
    void measure(Arguments args) throws IOException {
        List<Double> ours = new ArrayList<>();
        List<Double> floors = new ArrayList<>();
        try (TempDir scratch = TempDir.in("/var/tmp");
                Xfs xfs = Xfs.in(scratch.dir());
                BenchDaemon daemon = BenchDaemon.at(xfs.folder(), "--runtime", "gvisor")) {
            daemon.start();
            daemon.call("POST", "/v1/apps", "{\"name\":\"bench\",\"org_slug\":\"personal\"}");
            String volumes = "/v1/apps/bench/volumes";
            String source = daemon.json("POST", volumes, "{\"name\":\"full\",\"size_gb\":1}")
                    .get("id")
                    .stringValue();
            Path disk = daemon.data().resolve("volumes").resolve(source).resolve("disk.img");
            fill(disk);
            Path copy = xfs.folder().resolve("copy.img");
            for (int round = -WARM; round < args.number("rounds"); round++) {
                double floor = BareRunsc.timed(List.of("cp", "--reflink=always", disk.toString(), copy.toString()));
                Files.delete(copy);
                long began = System.nanoTime();
                var forked =
                        daemon.json("POST", volumes, "{\"name\":\"fork\",\"source_volume_id\":\"" + source + "\"}");
                double mine = (System.nanoTime() - began) / 1e6;
                if (!forked.get("copied").get("method").stringValue().equals("reflink")) {
                    throw new FailedException("the fork shares no blocks with its source: " + forked);
                }
                daemon.call("DELETE", volumes + "/" + forked.get("id").stringValue(), "");
                if (round >= 0) {
                    floors.add(floor);
                    ours.add(mine);
                }
            }
            daemon.call("DELETE", volumes + "/" + source, "");
        }
        ResultRow.bound(args.json(), "fork of 1 GiB on XFS", "ms", ours, floors, TARGET);
    }

    /** Writes data where a file system would have it; the volume is never mounted. */
    private static void fill(Path disk) throws IOException {
        byte[] piece = new byte[1 << 20];
        for (int i = 0; i < piece.length; i++) {
            piece[i] = (byte) (i * 31 + 7);
        }
        try (OutputStream out = Files.newOutputStream(disk, java.nio.file.StandardOpenOption.WRITE)) {
            for (int i = 0; i < FULL_MB; i++) {
                out.write(piece);
            }
        }
        var _ = Command.of("sync", disk.toString())
                .timeout(java.time.Duration.ofMinutes(2))
                .output();
    }

    /** An XFS in a file, mounted for the measurement. */
    private record Xfs(Path image, Path folder) implements AutoCloseable {
        static Xfs in(Path parent) {
            Path image = parent.resolve("xfs.img");
            Path folder = parent.resolve("xfs");
            var _ = Command.of("truncate", "--size=6G", image.toString()).output();
            var _ = Command.of("mkfs.xfs", "-q", "-m", "reflink=1", image.toString())
                    .output();
            Mounts.mount("xfs", "loop", image.toString(), folder);
            return new Xfs(image, folder);
        }

        @Override
        public void close() {
            Mounts.unmount(folder);
        }
    }
}
