package org.allod.image;

import com.github.luben.zstd.ZstdInputStream;
import java.io.BufferedInputStream;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongConsumer;
import java.util.zip.GZIPInputStream;
import org.allod.base.RejectedException;

/**
 * Unpacks a layer as it is read, with a size limit, and computes its digest. The compression is detected from the first
 * bytes, because media types are often wrong; the digest of the result decides.
 */
final class LayerInputStream extends FilterInputStream {
    private static final int BUFFER = 1 << 16;
    private static final byte[] GZIP = {0x1f, (byte) 0x8b};
    private static final byte[] ZSTD = {0x28, (byte) 0xb5, 0x2f, (byte) 0xfd};

    private final String layer;
    private final MessageDigest sha = Digest.sha256();
    private final boolean digested;
    private final AtomicLong budget;
    private final SpaceGuard space;

    private LayerInputStream(
            InputStream unpacked, String layer, boolean digested, AtomicLong budget, SpaceGuard space) {
        super(unpacked);
        this.layer = layer;
        this.digested = digested;
        this.budget = budget;
        this.space = space;
    }

    /**
     * Opens a layer.
     *
     * @param packed false if the layer was transferred uncompressed: its digest was verified on arrival and is not
     *     computed again
     * @param budget bytes that this image's layers may still produce; reduced as they do
     * @param space told how many bytes were produced
     * @param read told how much of the packed file was read
     */
    static LayerInputStream open(
            Path file, String layer, boolean packed, AtomicLong budget, SpaceGuard space, LongConsumer read)
            throws IOException {
        BufferedInputStream in = new BufferedInputStream(new Counted(Files.newInputStream(file), read), BUFFER);
        try {
            return new LayerInputStream(packed ? unpack(in).orElse(in) : in, layer, packed, budget, space);
        } catch (IOException e) {
            in.close();
            throw damaged(layer, e);
        }
    }

    /** The unpacked content of {@code packed}, or empty if it is not compressed. */
    static Optional<InputStream> unpack(BufferedInputStream packed) throws IOException {
        packed.mark(4);
        byte[] start = packed.readNBytes(4);
        packed.reset();
        if (starts(start, GZIP)) {
            return Optional.of(new GZIPInputStream(packed, BUFFER));
        }
        if (starts(start, ZSTD)) {
            return Optional.of(new BufferedInputStream(new ZstdInputStream(packed), BUFFER));
        }
        return Optional.empty();
    }

    private static boolean starts(byte[] content, byte[] magic) {
        return content.length >= magic.length && Arrays.equals(content, 0, magic.length, magic, 0, magic.length);
    }

    @Override
    public int read() throws IOException {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] into, int offset, int length) throws IOException {
        int n;
        try {
            n = super.read(into, offset, length);
        } catch (IOException e) {
            throw damaged(layer, e);
        }
        if (n > 0) {
            if (digested) {
                sha.update(into, offset, n);
            }
            space.wrote(n);
            if (budget.addAndGet(-n) < 0) {
                throw RejectedException.because(
                        RejectedException.Reason.TOO_LARGE,
                        "the image unpacks to more than it may",
                        "make a smaller image, or raise the bound in the host's configuration");
            }
        }
        return n;
    }

    /** Skips by reading, because skipped bytes are part of the digest. */
    @Override
    public long skip(long count) throws IOException {
        byte[] buffer = new byte[(int) Math.min(BUFFER, count)];
        long done = 0;
        while (done < count) {
            int n = read(buffer, 0, (int) Math.min(buffer.length, count - done));
            if (n < 0) {
                break;
            }
            done += n;
        }
        return done;
    }

    @Override
    public boolean markSupported() {
        return false;
    }

    /** Whether everything read so far has the digest {@code expected}. */
    boolean is(Digest expected) {
        return !digested || Digest.of(sha).equals(expected);
    }

    static RejectedException damaged(String layer, IOException e) {
        String why = e.getMessage() == null ? "it ends too early" : e.getMessage();
        return RejectedException.because(
                RejectedException.Reason.INVALID,
                "layer " + layer + " is damaged: " + UntrustedText.printable(why),
                "build and push the image again");
    }

    private static final class Counted extends FilterInputStream {
        private final LongConsumer read;
        private long count;

        Counted(InputStream in, LongConsumer read) {
            super(in);
            this.read = read;
        }

        @Override
        public int read(byte[] into, int offset, int length) throws IOException {
            int n = super.read(into, offset, length);
            if (n > 0) {
                count += n;
                read.accept(count);
            }
            return n;
        }
    }
}
