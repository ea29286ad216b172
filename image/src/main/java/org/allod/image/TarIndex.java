package org.allod.image;

import com.github.luben.zstd.ZstdIOException;
import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.zip.ZipException;
import org.allod.base.RejectedException;
import org.allod.linux.RegularFile;
import org.jspecify.annotations.Nullable;

/**
 * The files of a tar archive, read in place: one pass records where each begins. A compressed archive is unpacked
 * first, with limits.
 */
final class TarIndex {
    /** Maximum files in one archive: a few for each layer, and no image has so many layers. */
    private static final int MOST = 10_000;

    private static final int HOPS = 8;

    private record Extent(long offset, long size) {}

    private final Path file;
    private final Map<String, Extent> files = new HashMap<>();
    private final Map<String, String> links = new HashMap<>();

    private TarIndex(Path file) {
        this.file = file;
    }

    /** Opens the image in the archive at {@code path}; {@code room} is a folder for unpacking. */
    static ImageSource open(Path path, Path room, ImageLimits limits) throws IOException {
        TarIndex archive = new TarIndex(plain(path, room, limits));
        try {
            archive.index();
        } catch (EOFException e) {
            throw TarReader.damaged(String.valueOf(e.getMessage()));
        }
        if (archive.has("oci-layout") && archive.has("index.json")) {
            return new OciLayoutArchive(path, archive, limits);
        }
        if (archive.has("manifest.json")) {
            return DockerArchive.read(path, archive, limits);
        }
        throw RejectedException.because(
                RejectedException.Reason.INVALID,
                path + " holds no image: it has neither an oci-layout with an index.json nor a manifest.json",
                "give what docker save, podman save, skopeo copy or docker buildx wrote");
    }

    private static Path plain(Path path, Path room, ImageLimits limits) throws IOException {
        try (BufferedInputStream in = new BufferedInputStream(Channels.newInputStream(RegularFile.open(path)))) {
            Optional<InputStream> packed = LayerInputStream.unpack(in);
            if (packed.isEmpty()) {
                return path;
            }
            InputStream unpacked = packed.get();
            Path plain = room.resolve("archive.tar");
            try (OutputStream out = Files.newOutputStream(plain)) {
                byte[] buffer = new byte[1 << 16];
                long left = limits.imageBytes();
                for (int n = unpacked.read(buffer); n >= 0; n = unpacked.read(buffer)) {
                    left -= n;
                    if (left < 0) {
                        throw RejectedException.because(
                                RejectedException.Reason.TOO_LARGE,
                                path + " unpacks to more than " + limits.imageBytes() + " bytes");
                    }
                    out.write(buffer, 0, n);
                }
            }
            return plain;
        } catch (EOFException | ZipException | ZstdIOException e) {
            throw TarReader.damaged(String.valueOf(e.getMessage()));
        }
    }

    private void index() throws IOException {
        try (Counter in =
                new Counter(new BufferedInputStream(Channels.newInputStream(RegularFile.open(file)), 1 << 16))) {
            TarReader reader = new TarReader(in);
            for (TarEntry entry = reader.next(); entry != null; entry = reader.next()) {
                String name = normal(entry.path());
                switch (entry.type()) {
                    case FILE -> files.put(name, new Extent(in.count, entry.size()));
                    case HARD_LINK -> links.put(name, normal(entry.link()));
                    case SYMLINK -> links.put(name, normal(name + "/../" + entry.link()));
                    default -> {}
                }
                if (files.size() + links.size() > MOST) {
                    throw RejectedException.because(
                            RejectedException.Reason.TOO_LARGE,
                            "the archive holds more than " + MOST + " files; that is no image");
                }
            }
        }
    }

    /** Normalises a name to a key without dots; nothing is ever written under it. */
    private static String normal(String name) {
        Deque<String> parts = new ArrayDeque<>();
        for (String part : name.split("/", -1)) {
            if (part.equals("..")) {
                parts.pollLast();
            } else if (!part.isEmpty() && !part.equals(".")) {
                parts.add(part);
            }
        }
        return String.join("/", parts);
    }

    private @Nullable Extent find(String name) {
        String at = name;
        for (int i = 0; i < HOPS; i++) {
            Extent extent = files.get(at);
            if (extent != null) {
                return extent;
            }
            String next = links.get(at);
            if (next == null) {
                return null;
            }
            at = next;
        }
        return null;
    }

    boolean has(String name) {
        return find(name) != null;
    }

    long size(String name) {
        return extent(name).size();
    }

    private Extent extent(String name) {
        Extent extent = find(normal(name));
        if (extent == null) {
            throw RejectedException.invalid("the archive is incomplete: it has no " + UntrustedText.printable(name));
        }
        return extent;
    }

    /** A file's content from {@code offset} on. */
    InputStream open(String name, long offset) throws IOException {
        Extent extent = extent(name);
        SeekableByteChannel channel = RegularFile.open(file);
        channel.position(extent.offset() + Math.min(offset, extent.size()));
        return new Bounded(Channels.newInputStream(channel), extent.size() - Math.min(offset, extent.size()));
    }

    byte[] small(String name, int most) throws IOException {
        try (InputStream in = open(name, 0)) {
            return ManifestResolver.bounded(in, most, file.toString());
        }
    }

    private static final class Counter extends FilterInputStream {
        long count;

        Counter(InputStream in) {
            super(in);
        }

        @Override
        public int read(byte[] into, int offset, int length) throws IOException {
            int n = super.read(into, offset, length);
            count += Math.max(0, n);
            return n;
        }

        @Override
        public long skip(long n) throws IOException {
            long skipped = super.skip(n);
            count += skipped;
            return skipped;
        }

        @Override
        public int read() throws IOException {
            int value = super.read();
            count += value < 0 ? 0 : 1;
            return value;
        }
    }

    private static final class Bounded extends FilterInputStream {
        private long left;

        Bounded(InputStream in, long left) {
            super(in);
            this.left = left;
        }

        @Override
        public int read() throws IOException {
            byte[] one = new byte[1];
            return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
        }

        @Override
        public int read(byte[] into, int offset, int length) throws IOException {
            if (left == 0) {
                return -1;
            }
            int n = super.read(into, offset, (int) Math.min(left, length));
            left -= Math.max(0, n);
            return n;
        }
    }
}
