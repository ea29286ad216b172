package org.allod.runtime;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Optional;
import org.allod.base.Bug;
import org.allod.base.FailedException;
import org.jspecify.annotations.Nullable;

/**
 * The files that microVMs boot from, made at first use and cached while the files they are made from look unchanged:
 * reading and hashing them would add milliseconds to each boot. Safe for any thread.
 */
final class BootArtifacts {
    private static final String PLAIN = "vmlinux-";

    private final GuestKernel kernel;
    private final Path guestBinary;
    private final Path folder;
    private String seen = "";
    private @Nullable Made made;

    /** The files for QEMU. */
    record Made(Path kernel, Path initramfs) {}

    /** @param folder where the files are cached */
    BootArtifacts(GuestKernel kernel, Path guestBinary, Path folder) {
        this.kernel = kernel;
        this.guestBinary = guestBinary;
        this.folder = folder;
    }

    /**
     * With KVM the packaged kernel is used as it is: it unpacks itself at no cost and chooses its own load address. An
     * emulated processor gets it unpacked, unless its format is unknown.
     */
    synchronized Made get(boolean kvm) {
        try {
            String now = kvm + "\n" + looks(kernel.vmlinuz()) + looks(guestBinary) + kernel.release();
            Made known = made;
            if (known == null || !now.equals(seen) || !Files.exists(known.kernel) || !Files.exists(known.initramfs)) {
                known = new Made(kvm ? kernel.vmlinuz() : plain(), Initramfs.of(kernel, guestBinary, folder));
                made = known;
                seen = now;
            }
            return known;
        } catch (IOException e) {
            throw new FailedException("cannot make what microVMs boot from in " + folder + ": " + e.getMessage(), e);
        }
    }

    private static String looks(Path file) throws IOException {
        return file + " " + Files.size(file) + " " + Files.getLastModifiedTime(file) + "\n";
    }

    private Path plain() throws IOException {
        byte[] packed = Files.readAllBytes(kernel.vmlinuz());
        Path there = folder.resolve(PLAIN + digest(packed));
        if (Files.exists(there)) {
            return there;
        }
        Optional<byte[]> plain = BzImageExtractor.of(packed);
        if (plain.isEmpty()) {
            return kernel.vmlinuz();
        }
        Files.createDirectories(folder);
        forgetOthers();
        Path half = Files.createTempFile(folder, "kernel-", ".new");
        Files.write(half, plain.get());
        Files.setPosixFilePermissions(half, PosixFilePermissions.fromString("rw-r--r--"));
        Files.move(half, there, StandardCopyOption.ATOMIC_MOVE);
        return there;
    }

    /** Deletes files made from older kernels, tens of megabytes each. A machine that runs from one keeps it open. */
    private void forgetOthers() throws IOException {
        try (DirectoryStream<Path> others = Files.newDirectoryStream(folder, PLAIN + "*")) {
            for (Path other : others) {
                Files.delete(other);
            }
        }
    }

    private static String digest(byte[] bytes) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes), 0, 8);
        } catch (NoSuchAlgorithmException e) {
            throw new Bug("every JDK has SHA-256", e);
        }
    }
}
