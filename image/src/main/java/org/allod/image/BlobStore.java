package org.allod.image;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.allod.base.RejectedException;
import org.allod.image.ImageStore.Progress;

/**
 * Verified content on disk, by digest. A blob gets its digest as a name only after it was verified and made durable; a
 * partial blob lies in another folder and survives a crash, so that the next attempt resumes there.
 *
 * <p>Safe for any thread; concurrent requests for the same blob fetch it once.
 */
final class BlobStore {
    private static final int BUFFER = 1 << 17;

    private final Path verified;
    private final Path partial;
    private final KeyedLocks locks = new KeyedLocks();

    /** Held digests, one entry for each hold: two images can share a layer. */
    private final List<Digest> held = new ArrayList<>();

    private final Retry retry;

    BlobStore(Path folder, Retry retry) throws IOException {
        this.verified = Files.createDirectories(folder.resolve("verified"));
        this.partial = Files.createDirectories(folder.resolve("partial"));
        this.retry = retry;
    }

    boolean has(Digest digest) {
        return Files.isRegularFile(path(digest));
    }

    Path path(Digest digest) {
        return verified.resolve(digest.hex());
    }

    /** Reads a whole small blob. */
    byte[] read(Descriptor descriptor) throws IOException {
        return Files.readAllBytes(path(descriptor.digest()));
    }

    /** Fetches the blob unless it is here. */
    void fetch(Descriptor blob, ImageSource source, SpaceGuard space, Progress progress)
            throws IOException, InterruptedException {
        String way = blob.digest().hex() + way(source);
        try (KeyedLocks.Held _ = locks.lock(way)) {
            if (has(blob.digest())) {
                if (Files.size(path(blob.digest())) != blob.size()) {
                    throw RejectedException.invalid("the manifest of " + source.name() + " gives blob "
                            + blob.digest().brief() + " the wrong size");
                }
                return;
            }
            Path part = partial.resolve(way);
            retry.run(source.attempts(), () -> sizeOf(part), () -> receive(blob, source, part, space, progress));
            StagingFiles.sync(part);
            StagingFiles.publish(part, path(blob.digest()));
        }
    }

    /** The lock key: a registry that is slow with a blob, by intent or not, must not delay its delivery by another. */
    private static String way(ImageSource source) {
        return source.origin().isEmpty()
                ? ""
                : "-" + Digest.of(source.origin().getBytes(UTF_8)).hex().substring(0, 16);
    }

    private void receive(Descriptor blob, ImageSource source, Path part, SpaceGuard space, Progress progress)
            throws IOException {
        MessageDigest sha = Digest.sha256();
        long offset = resumable(part, blob, sha);
        if (offset < blob.size()) {
            try (ImageSource.Part rest = source.open(blob, offset)) {
                if (rest.offset() != offset) {
                    offset = 0;
                    sha.reset();
                    Files.deleteIfExists(part);
                }
                append(blob, rest.content(), part, offset, sha, space, progress);
            }
        } else if (blob.size() == 0) {
            Files.write(part, new byte[0]);
        }
        Digest got = Digest.of(sha);
        if (!got.equals(blob.digest())) {
            Files.deleteIfExists(part);
            throw RejectedException.because(
                    RejectedException.Reason.INVALID,
                    source.name() + " delivered blob " + blob.digest() + " with other content (" + got + ")",
                    "the registry or something on the way to it is broken or hostile; do not trust it");
        }
    }

    /** Resumes an earlier attempt: the received bytes are read again, because the digest covers all of them. */
    private static long resumable(Path part, Descriptor blob, MessageDigest sha) throws IOException {
        long there = sizeOf(part);
        if (there > blob.size()) {
            Files.delete(part);
            return 0;
        }
        if (there > 0) {
            try (InputStream in = Files.newInputStream(part)) {
                byte[] buffer = new byte[BUFFER];
                for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
                    sha.update(buffer, 0, n);
                }
            }
        }
        return there;
    }

    private static void append(
            Descriptor blob,
            InputStream in,
            Path part,
            long from,
            MessageDigest sha,
            SpaceGuard space,
            Progress progress)
            throws IOException {
        byte[] buffer = new byte[BUFFER];
        long at = from;
        try (OutputStream out = Files.newOutputStream(part, StandardOpenOption.CREATE, StandardOpenOption.APPEND)) {
            for (int n = read(in, buffer, blob, at); n >= 0; n = read(in, buffer, blob, at)) {
                at += n;
                if (at > blob.size()) {
                    Files.deleteIfExists(part);
                    throw RejectedException.invalid("blob " + blob.digest().brief() + " is longer than the "
                            + blob.size() + " bytes its manifest says");
                }
                out.write(buffer, 0, n);
                space.wrote(n);
                sha.update(buffer, 0, n);
                progress.at("pull", blob.digest().brief(), at, blob.size());
            }
        }
        if (at < blob.size()) {
            throw new EOFException(broken(blob, at));
        }
    }

    /** Adds context to network errors, whose own text ("closed") says little; write errors keep theirs. */
    private static int read(InputStream in, byte[] buffer, Descriptor blob, long at) throws IOException {
        try {
            return in.read(buffer);
        } catch (IOException e) {
            throw new IOException(broken(blob, at) + ": " + e.getMessage(), e);
        }
    }

    private static String broken(Descriptor blob, long at) {
        return "blob " + blob.digest().brief() + " broke off after " + at + " of " + blob.size() + " bytes";
    }

    private static long sizeOf(Path path) throws IOException {
        return Files.isRegularFile(path) ? Files.size(path) : 0;
    }

    /** Protects a manifest's blobs from collection while they are in use. */
    Hold hold(Manifest manifest) {
        List<Digest> digests = Stream.concat(Stream.of(manifest.config()), manifest.layers().stream())
                .map(Descriptor::digest)
                .toList();
        synchronized (held) {
            held.addAll(digests);
        }
        return () -> {
            synchronized (held) {
                digests.forEach(held::remove);
            }
        };
    }

    interface Hold extends AutoCloseable {
        @Override
        void close();
    }

    /** Removes a manifest's blobs, complete or partial, that nothing uses. */
    void discard(Manifest manifest) throws IOException {
        List<String> names = Stream.concat(Stream.of(manifest.config()), manifest.layers().stream())
                .map(blob -> blob.digest().hex())
                .toList();
        for (Path folder : List.of(verified, partial)) {
            try (Stream<Path> files = Files.list(folder)) {
                for (Path file : files.toList()) {
                    String hex = file.getFileName().toString().split("-", 2)[0];
                    synchronized (held) {
                        if (names.contains(hex) && !held.contains(new Digest(hex))) {
                            var _ = StagingFiles.remove(file);
                        }
                    }
                }
            }
        }
    }

    /** Removes every blob, complete or partial, that nothing uses. Returns the bytes freed. */
    long collect() throws IOException {
        long bytes = 0;
        for (Path folder : List.of(verified, partial)) {
            try (Stream<Path> files = Files.list(folder)) {
                for (Path file : files.toList()) {
                    synchronized (held) {
                        if (!held.contains(
                                new Digest(file.getFileName().toString().split("-", 2)[0]))) {
                            bytes += StagingFiles.remove(file);
                        }
                    }
                }
            }
        }
        return bytes;
    }
}
