package org.allod.runtime;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import org.allod.base.Bug;
import org.allod.base.FailedException;

/**
 * What a microVM's kernel unpacks and starts first: PID 1 as {@code /init}, and the modules it loads. An archive in the
 * kernel's "newc" format (Documentation/driver-api/early-userspace/buffer-format.rst), uncompressed, because unpacking
 * costs an emulated guest more than reading. Named by a hash of its content, so it is made once for each kernel, binary
 * and list of modules.
 */
final class Initramfs {
    private static final int FOLDER = 0040755;
    private static final int EXECUTABLE = 0100755;
    private static final int PLAIN = 0100644;

    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private int inode = 1;

    private Initramfs() {}

    /** The archive for this kernel and guest binary, in {@code folder}; made if it does not exist. */
    static Path of(GuestKernel kernel, Path guestBinary, Path folder) {
        try {
            Path made = folder.resolve("initramfs-" + name(kernel, guestBinary) + ".img");
            if (!Files.exists(made)) {
                Files.createDirectories(folder);
                Path half = Files.createTempFile(folder, "initramfs-", ".new");
                Files.write(half, archive(guestBinary, kernel.modules()));
                Files.setPosixFilePermissions(
                        half, java.nio.file.attribute.PosixFilePermissions.fromString("rw-r--r--"));
                Files.move(half, made, StandardCopyOption.ATOMIC_MOVE);
            }
            return made;
        } catch (IOException e) {
            throw new FailedException(
                    "cannot make the first file system of microVMs in " + folder + ": " + e.getMessage(), e);
        }
    }

    private static String name(GuestKernel kernel, Path guestBinary) throws IOException {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            digest.update(Files.readAllBytes(guestBinary));
            digest.update(kernel.release().getBytes(StandardCharsets.UTF_8));
            digest.update(GuestKernel.WANTED.toString().getBytes(StandardCharsets.UTF_8));
            return HexFormat.of().formatHex(digest.digest(), 0, 8);
        } catch (NoSuchAlgorithmException e) {
            throw new Bug("every JDK has SHA-256", e);
        }
    }

    static byte[] archive(Path guestBinary, List<Path> modules) throws IOException {
        Initramfs cpio = new Initramfs();
        cpio.entry("init", EXECUTABLE, Files.readAllBytes(guestBinary));
        cpio.entry("modules", FOLDER, new byte[0]);
        int order = 100;
        for (Path module : modules) {
            cpio.entry("modules/" + order++ + "-" + module.getFileName(), PLAIN, Files.readAllBytes(module));
        }
        cpio.entry("TRAILER!!!", 0, new byte[0]);
        return cpio.out.toByteArray();
    }

    private void entry(String name, int mode, byte[] content) {
        int[] fields = {inode++, mode, 0, 0, 1, 0, content.length, 0, 0, 0, 0, name.length() + 1, 0};
        StringBuilder head = new StringBuilder("070701");
        for (int field : fields) {
            head.append("%08X".formatted(field));
        }
        out.writeBytes(head.append(name).append('\0').toString().getBytes(StandardCharsets.US_ASCII));
        pad();
        out.writeBytes(content);
        pad();
    }

    private void pad() {
        while (out.size() % 4 != 0) {
            out.write(0);
        }
    }
}
