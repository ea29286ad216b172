package org.allod.image;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.List;
import java.util.Map;
import org.allod.base.RejectedException;
import org.allod.image.ImageStore.BuildSpec.Copy;

/**
 * Copies files and folders of the host into an image: with their permissions, but owned by root and without their
 * times.
 */
final class HostFileCopier {
    private final List<Copy> copies;

    HostFileCopier(List<Copy> copies) {
        this.copies = copies;
        for (Copy copy : copies) {
            String destination = copy.destination();
            if (!destination.startsWith("/") || List.of(destination.split("/")).contains("..")) {
                throw RejectedException.because(
                        RejectedException.Reason.INVALID,
                        "\"" + UntrustedText.printable(destination) + "\" is not a place in an image",
                        "give a path from the root, as in site:/var/www");
            }
            if (!Files.isRegularFile(copy.source()) && !Files.isDirectory(copy.source())) {
                throw RejectedException.notFound(
                        "there is no file or folder " + copy.source() + " to copy into the image");
            }
        }
    }

    /**
     * A folder's contents go into the destination; a file becomes the destination, or goes into it if that is a folder.
     */
    void copyInto(RootfsTree tree, FileContentStore contents) throws IOException {
        for (Copy copy : copies) {
            String to = bytes(copy.destination());
            if (Files.isDirectory(copy.source())) {
                folder(copy.source(), to, tree, contents);
            } else {
                boolean inside = to.endsWith("/") || tree.at(to) instanceof TreeNode.Folder;
                file(
                        copy.source(),
                        inside ? to + "/" + bytes(copy.source().getFileName().toString()) : to,
                        tree,
                        contents);
            }
        }
    }

    private static void folder(Path source, String to, RootfsTree tree, FileContentStore contents) throws IOException {
        Files.walkFileTree(source, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult preVisitDirectory(Path path, BasicFileAttributes attributes) throws IOException {
                if (!path.equals(source) || tree.at(to) == null) {
                    tree.put(place(path), new TreeNode.Folder(meta(path)), 0);
                }
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFile(Path path, BasicFileAttributes attributes) throws IOException {
                if (attributes.isSymbolicLink()) {
                    String target = bytes(Files.readSymbolicLink(path).toString());
                    tree.put(
                            place(path),
                            new TreeNode.Symlink(new TreeNode.Meta(0777, 0, 0, DebianBuild.EPOCH, Map.of()), target),
                            0);
                } else if (attributes.isRegularFile()) {
                    file(path, place(path), tree, contents);
                } else {
                    throw RejectedException.invalid(
                            path + " is neither file, folder nor link and cannot go into an image");
                }
                return FileVisitResult.CONTINUE;
            }

            private String place(Path path) {
                return to + "/" + bytes(source.relativize(path).toString());
            }
        });
    }

    private static void file(Path source, String to, RootfsTree tree, FileContentStore contents) throws IOException {
        long content = contents.write(out -> Files.copy(source, out));
        long size = Files.size(contents.path(content));
        tree.put(to, new TreeNode.File(meta(source), size, content), 0);
    }

    private static TreeNode.Meta meta(Path path) throws IOException {
        int mode = (int) Files.getAttribute(path, "unix:mode", LinkOption.NOFOLLOW_LINKS) & 0777;
        return new TreeNode.Meta(mode, 0, 0, DebianBuild.EPOCH, Map.of());
    }

    /** A name as a tree stores it, one character per byte. */
    private static String bytes(String name) {
        return new String(name.getBytes(UTF_8), ISO_8859_1);
    }
}
