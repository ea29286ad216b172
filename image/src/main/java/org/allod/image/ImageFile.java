package org.allod.image;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Optional;

/**
 * One file of a ready image, read from the host, with the content that every guest of the image sees initially.
 * Symbolic links are resolved within the image, whose root they cannot leave. Any thread may read it, one at a time;
 * opens and reads block.
 */
public final class ImageFile implements AutoCloseable {
    /** The limit of Linux. */
    private static final int MAX_LINKS = 40;

    private static final int MAX_TARGET = 4096;
    private static final int OTHERS_READ = 0004;
    private static final int OTHERS_SEARCH = 0001;

    private final FileChannel file;
    private final ErofsReader image;
    private final ErofsReader.Inode inode;

    private ImageFile(FileChannel file, ErofsReader image, ErofsReader.Inode inode) {
        this.file = file;
        this.image = image;
        this.inode = inode;
    }

    /** Whether this root image has a format that can be read from the host. */
    public static boolean reads(Path rootImage) {
        return rootImage.toString().endsWith(".erofs");
    }

    /**
     * Opens the file at this path.
     *
     * @param rootImage {@link Image#rootImage}
     * @param path absolute, as in a guest
     * @return empty if it does not exist, is not a regular file, or is not readable by everybody
     * @throws IOException if the image cannot be read
     */
    public static Optional<ImageFile> open(Path rootImage, String path) throws IOException {
        FileChannel file = FileChannel.open(rootImage, StandardOpenOption.READ);
        boolean kept = false;
        try {
            ErofsReader image = new ErofsReader(file);
            Optional<ImageFile> found =
                    walk(image, path).filter(ImageFile::forAll).map(inode -> new ImageFile(file, image, inode));
            kept = found.isPresent();
            return found;
        } finally {
            if (!kept) {
                file.close();
            }
        }
    }

    private static boolean forAll(ErofsReader.Inode inode) {
        return inode.regular() && (inode.mode() & OTHERS_READ) != 0;
    }

    private static Optional<ErofsReader.Inode> walk(ErofsReader image, String path) throws IOException {
        Deque<String> todo = new ArrayDeque<>();
        push(todo, path);
        Deque<ErofsReader.Inode> at = new ArrayDeque<>();
        at.push(image.root());
        int links = 0;
        while (!todo.isEmpty()) {
            String name = todo.pop();
            ErofsReader.Inode here = at.element();
            if (!here.folder() || (here.mode() & OTHERS_SEARCH) == 0) {
                return Optional.empty();
            }
            if (name.isEmpty() || name.equals(".")) {
                continue;
            }
            if (name.equals("..")) {
                // The root's parent is the root, as for every process in it.
                if (at.size() > 1) {
                    at.pop();
                }
                continue;
            }
            long number = image.find(here, name.getBytes(StandardCharsets.UTF_8));
            if (number < 0) {
                return Optional.empty();
            }
            ErofsReader.Inode found = image.inode(number);
            if (!found.link()) {
                at.push(found);
                continue;
            }
            if (++links > MAX_LINKS || found.size() > MAX_TARGET) {
                return Optional.empty();
            }
            String target = target(image, found);
            if (target.startsWith("/")) {
                while (at.size() > 1) {
                    at.pop();
                }
            }
            push(todo, target);
        }
        return Optional.of(at.element());
    }

    /** Adds the path's names in front of the remaining ones. */
    private static void push(Deque<String> todo, String path) {
        String[] names = path.split("/", -1);
        for (int i = names.length - 1; i >= 0; i--) {
            todo.push(names[i]);
        }
    }

    private static String target(ErofsReader image, ErofsReader.Inode link) throws IOException {
        ByteBuffer target = ByteBuffer.allocate((int) link.size());
        while (target.hasRemaining()) {
            image.read(link, target, target.position());
        }
        return new String(target.array(), StandardCharsets.UTF_8);
    }

    public long size() {
        return inode.size();
    }

    public Instant modified() {
        return inode.modified();
    }

    /** Identifies the file within its image. */
    public long number() {
        return inode.number();
    }

    /**
     * Reads at least one byte.
     *
     * @param at below {@link #size}
     */
    public int read(ByteBuffer into, long at) throws IOException {
        return image.read(inode, into, at);
    }

    @Override
    public void close() throws IOException {
        file.close();
    }
}
