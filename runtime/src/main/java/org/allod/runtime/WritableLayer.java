package org.allod.runtime;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import org.allod.base.FailedException;
import org.allod.linux.Command;

/**
 * The writable layer of a microVM: a sparse file with an empty ext4, copied from a template of the same size (whose
 * blocks the host's file system may share). A layer that does not outlive its guest's boot has no journal, and the next
 * one is made in advance under a name that encodes its size and kind, so that a boot only renames it.
 *
 * @param templates the folder of templates
 * @param kept whether the next boot uses it again
 * @param disk the layer itself
 */
record WritableLayer(Path templates, int megabytes, boolean kept, Path disk) {
    private static final String AHEAD = "next-";

    /** Makes the layer that {@link #begin} will take, unless it exists or none will be needed. */
    void makeAhead() {
        if (wanted() && !Files.exists(ahead())) {
            try {
                forgetAhead();
                copyTo(ahead());
            } catch (IOException e) {
                throw failed(e);
            }
        }
    }

    /** Puts an empty layer in place of the old one; a kept layer that exists stays. */
    void begin() {
        if (!wanted()) {
            return;
        }
        makeAhead();
        try {
            Files.move(ahead(), disk, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            throw failed(e);
        }
    }

    private boolean wanted() {
        return !kept || !Files.exists(disk);
    }

    private Path ahead() {
        return disk.resolveSibling(AHEAD + name());
    }

    private String name() {
        return (kept ? "kept-" : "disk-") + megabytes + ".img";
    }

    /** Deletes a layer of another size, made before the machine was changed. */
    private void forgetAhead() throws IOException {
        try (DirectoryStream<Path> old = Files.newDirectoryStream(disk.resolveSibling(""), AHEAD + "*")) {
            for (Path file : old) {
                Files.delete(file);
            }
        }
    }

    private void copyTo(Path place) throws IOException {
        Path template = templates.resolve(name());
        if (!Files.exists(template)) {
            makeTemplate(template);
        }
        Path half = disk.resolveSibling(disk.getFileName() + ".new");
        Files.deleteIfExists(half);
        var _ = Command.of("cp", "--sparse=always", "--reflink=auto", template.toString(), half.toString())
                .output();
        Files.move(half, place, StandardCopyOption.ATOMIC_MOVE);
    }

    private void makeTemplate(Path template) throws IOException {
        Files.createDirectories(templates);
        Path half = Files.createTempFile(templates, "disk-", ".new");
        var _ = Command.of("truncate", "--size=" + megabytes + "M", half.toString())
                .output();
        var _ = Command.of("mkfs.ext4", "-q", "-F", "-m", "0", "-O", (kept ? "" : "^") + "has_journal", half.toString())
                .output();
        Files.move(half, template, StandardCopyOption.ATOMIC_MOVE);
    }

    private FailedException failed(IOException e) {
        return new FailedException("cannot make the disk " + disk + ": " + e.getMessage(), e);
    }
}
