package org.allod.trust;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Base64;
import java.util.EnumSet;
import java.util.HexFormat;
import java.util.Optional;
import java.util.Set;
import org.allod.base.FailedException;
import org.allod.base.RejectedException;
import org.allod.store.Database;

/**
 * The key under which all of this host's secrets are sealed, in a file that only root can read. Created at the first
 * start; {@code host.db} records a fingerprint of it, so that a start with the file missing or replaced fails with an
 * explanation instead of creating a new key over values that it could never open.
 */
final class HostKey {
    private static final String HEAD = "allod-host-key-1 ";
    private static final Set<PosixFilePermission> OTHERS =
            EnumSet.complementOf(EnumSet.of(PosixFilePermission.OWNER_READ, PosixFilePermission.OWNER_WRITE));

    private HostKey() {}

    /**
     * The host's key.
     *
     * @param forget whether to give up everything that is sealed under a lost key, and create a new one
     */
    static AeadKey at(Path file, Database database, boolean forget) {
        Optional<String> known =
                database.read(tx -> tx.first("SELECT key_id FROM trust_host WHERE id = 1", row -> row.getString(1)));
        Optional<AeadKey> found = read(file);
        boolean fits = found.isPresent() && (known.isEmpty() || known.get().equals(fingerprint(found.get())));
        if (!fits && known.isPresent()) {
            if (!forget) {
                throw refused(file, found.isPresent());
            }
            giveUp(database);
        }
        // With `forget`, another host's key in that place is used, never overwritten.
        AeadKey key = found.orElseGet(() -> make(file));
        if (known.isEmpty() || !fits) {
            // After the file: a crash in between leaves a key under which nothing is sealed, and the next start uses
            // it.
            String id = fingerprint(key);
            database.write(tx -> tx.update("INSERT OR REPLACE INTO trust_host (id, key_id) VALUES (1, ?)", id));
        }
        return key;
    }

    private static RejectedException refused(Path file, boolean another) {
        String what = another
                ? "the host key in %s is not the one this host's secrets are sealed under".formatted(file)
                : "the host key %s is missing, and this host's secrets are sealed under it".formatted(file);
        return RejectedException.because(
                RejectedException.Reason.CONFLICT,
                what,
                "put the right file back from its backup (mode 0600), or name it with --host-key FILE; where it is "
                        + "lost for good, `allod host --forget-secrets yes` deletes what can no longer be read "
                        + "(secrets, secret keys, certificates) and begins with a new key");
    }

    /** Deletes what is sealed; version counters stay, because they never go back. */
    private static void giveUp(Database database) {
        database.write(tx -> {
            tx.update("UPDATE trust_app SET data_key = NULL, version = version + 1");
            tx.update("DELETE FROM secret");
            tx.update("DELETE FROM secret_key");
            tx.update("DELETE FROM certificate");
            tx.update("DELETE FROM host_secret");
            return 0;
        });
    }

    private static String fingerprint(AeadKey key) {
        return HexFormat.of().formatHex(key.derive("fingerprint").bytes(), 0, 8);
    }

    private static Optional<AeadKey> read(Path file) {
        try {
            Set<PosixFilePermission> open = EnumSet.copyOf(OTHERS);
            open.retainAll(Files.getPosixFilePermissions(file));
            if (!open.isEmpty()) {
                throw RejectedException.because(
                        RejectedException.Reason.CONFLICT,
                        "the host key %s can be read by others than its owner (%s)"
                                .formatted(file, PosixFilePermissions.toString(Files.getPosixFilePermissions(file))),
                        "chmod 600 " + file + ", and consider whether somebody has read it");
            }
            String text = Files.readString(file).strip();
            if (text.startsWith(HEAD)) {
                byte[] bytes = Base64.getDecoder().decode(text.substring(HEAD.length()));
                if (bytes.length == AeadKey.BYTES) {
                    return Optional.of(AeadKey.of(bytes));
                }
            }
            throw broken(file);
        } catch (NoSuchFileException e) {
            return Optional.empty();
        } catch (IllegalArgumentException e) {
            throw broken(file);
        } catch (IOException e) {
            throw new FailedException("cannot read the host key " + file + ": " + e, e);
        }
    }

    private static RejectedException broken(Path file) {
        return RejectedException.because(
                RejectedException.Reason.CONFLICT,
                "%s is not a host key: it must be one line, \"%s\" and 32 bytes in base64"
                        .formatted(file, HEAD.strip()),
                "put the right file back from its backup, or name it with --host-key FILE");
    }

    /** Creates the file atomically and durably, before anything is sealed under it. */
    private static AeadKey make(Path file) {
        AeadKey key = AeadKey.random();
        Path folder = file.toAbsolutePath().getParent();
        Path staged = file.resolveSibling(file.getFileName() + ".new");
        String line = HEAD + Base64.getEncoder().encodeToString(key.bytes()) + "\n";
        try {
            Files.deleteIfExists(staged);
            try (FileChannel channel = FileChannel.open(
                    staged,
                    Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE),
                    PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")))) {
                ByteBuffer bytes = ByteBuffer.wrap(line.getBytes(StandardCharsets.US_ASCII));
                while (bytes.hasRemaining()) {
                    channel.write(bytes);
                }
                channel.force(true);
            }
            Files.move(staged, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
            try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
                channel.force(true);
            }
            return key;
        } catch (IOException e) {
            throw new FailedException("cannot make the host key " + file + ": " + e, e);
        }
    }
}
