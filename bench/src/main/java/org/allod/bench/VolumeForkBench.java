package org.allod.bench;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.allod.base.Failed;
import org.allod.linux.Command;
import org.allod.linux.Mounts;

/**
 * A fork of a 1 GiB volume that is full of data, through the API, on an XFS made for it; in turns with a bare {@code cp
 * --reflink=always} of the same file. A fork is durable when it is answered: its record, its run, its blocks.
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
        try (Scratch scratch = Scratch.in("/var/tmp");
                Xfs xfs = Xfs.in(scratch.dir());
                Cloud cloud = Cloud.at(xfs.folder(), "--runtime", "gvisor")) {
            cloud.start();
            cloud.call("POST", "/v1/apps", "{\"name\":\"bench\",\"org_slug\":\"personal\"}");
            String volumes = "/v1/apps/bench/volumes";
            String source = cloud.json("POST", volumes, "{\"name\":\"full\",\"size_gb\":1}")
                    .get("id")
                    .stringValue();
            Path disk = cloud.data().resolve("volumes").resolve(source).resolve("disk.img");
            fill(disk);
            Path copy = xfs.folder().resolve("copy.img");
            for (int round = -WARM; round < args.number("rounds"); round++) {
                double floor = BareRunsc.timed(List.of("cp", "--reflink=always", disk.toString(), copy.toString()));
                Files.delete(copy);
                long began = System.nanoTime();
                var forked = cloud.json("POST", volumes, "{\"name\":\"fork\",\"source_volume_id\":\"" + source + "\"}");
                double mine = (System.nanoTime() - began) / 1e6;
                if (!forked.get("copied").get("method").stringValue().equals("reflink")) {
                    throw new Failed("the fork shares no blocks with its source: " + forked);
                }
                cloud.call("DELETE", volumes + "/" + forked.get("id").stringValue(), "");
                if (round >= 0) {
                    floors.add(floor);
                    ours.add(mine);
                }
            }
            cloud.call("DELETE", volumes + "/" + source, "");
        }
        Verdict.bound(args.json(), "fork of 1 GiB on XFS", "ms", ours, floors, TARGET);
    }

    /** Data where a file system would have it; the volume is never mounted. */
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
