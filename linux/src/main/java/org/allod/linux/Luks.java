package org.allod.linux;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import org.allod.base.FailedException;

/**
 * Encrypted disks in files, in the LUKS1 format of QEMU's block driver. QEMU encrypts in user space, so the host's
 * kernel is not involved. {@code qemu-img} gets the key by its standard input, never on its command line.
 *
 * <p>The key is 256 random bits, so stretching it would add nothing; the number of iterations is kept low.
 */
public final class Luks {
    private static final Duration MAKING = Duration.ofMinutes(2);
    private static final String SECRET = "secret,id=key,format=raw,file=/dev/stdin";
    private static final byte[] MAGIC = {'L', 'U', 'K', 'S', (byte) 0xba, (byte) 0xbe};
    private static final int PAYLOAD_AT = 104;
    private static final int SECTOR = 512;

    private Luks() {}

    /** Makes an encrypted disk at {@code image} with the same content as the sparse file {@code plain}. */
    public static void make(Path plain, Path image, byte[] key) {
        try {
            Files.deleteIfExists(image);
            run(
                    key,
                    "create",
                    "-q",
                    "-f",
                    "luks",
                    "--object",
                    SECRET,
                    "-o",
                    "key-secret=key,iter-time=10",
                    image.toString(),
                    "" + Files.size(plain));
        } catch (IOException e) {
            throw new FailedException("cannot make the encrypted disk " + image + ": " + e.getMessage(), e);
        }
        // Leave holes out. They then read as noise, which is fine, since a file system never reads unwritten blocks.
        run(
                key,
                "convert",
                "-q",
                "-n",
                "--target-is-zero",
                "--object",
                SECRET,
                "-f",
                "raw",
                plain.toString(),
                "--target-image-opts",
                "driver=luks,key-secret=key,file.driver=file,file.filename="
                        + image.toString().replace(",", ",,"));
    }

    private static void run(byte[] key, String... words) {
        List<String> line = new ArrayList<>(List.of("qemu-img"));
        line.addAll(List.of(words));
        var _ = Command.of(line).input(passphrase(key)).timeout(MAKING).output();
    }

    /** The key as text, which the format requires. */
    public static String passphrase(byte[] key) {
        return Base64.getEncoder().encodeToString(key);
    }

    /** The length of the header before the disk, in bytes; 0 if the file is not encrypted. */
    public static long header(Path image) {
        try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "r")) {
            byte[] magic = new byte[MAGIC.length];
            if (file.length() < PAYLOAD_AT + 4) {
                return 0;
            }
            file.readFully(magic);
            if (!java.util.Arrays.equals(magic, MAGIC)) {
                return 0;
            }
            file.seek(PAYLOAD_AT);
            return (file.readInt() & 0xffff_ffffL) * SECTOR;
        } catch (IOException e) {
            throw new FailedException("cannot read the header of " + image + ": " + e.getMessage(), e);
        }
    }
}
