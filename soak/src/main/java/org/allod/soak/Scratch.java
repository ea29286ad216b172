package org.allod.soak;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.jspecify.annotations.Nullable;

/**
 * Folders for tests that outlive one test method, deleted when the process ends. Logs in them are kept in {@code
 * target/logs} of the room. What cannot be deleted, such as a mount that a test left, stays, and {@code ./allod test}
 * reports it. May be called from any thread.
 */
public final class Scratch {
    private static final Queue<Path> FOLDERS = new ConcurrentLinkedQueue<>();

    static {
        Runtime.getRuntime().addShutdownHook(new Thread(Scratch::deleteAll, "scratch-delete"));
    }

    private Scratch() {}

    /** A new, empty folder, for its owner alone. */
    public static Path folder(String name) {
        try {
            Path folder = Files.createTempDirectory(name);
            FOLDERS.add(folder);
            return folder;
        } catch (IOException e) {
            throw new UncheckedIOException("cannot make a folder for a test: " + e.getMessage(), e);
        }
    }

    private static void deleteAll() {
        for (Path folder : FOLDERS) {
            try {
                delete(folder);
            } catch (IOException e) {
                System.err.println("cannot delete " + folder + ", which a test made: " + e);
            }
        }
    }

    static void delete(Path folder) throws IOException {
        Path logs = Path.of("target", "logs");
        Files.walkFileTree(folder, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
                if (folder.equals(file.getParent()) && file.toString().endsWith(".log") && attributes.size() > 0) {
                    Files.createDirectories(logs);
                    Files.copy(
                            file,
                            logs.resolve(folder.getFileName() + "-" + file.getFileName()),
                            StandardCopyOption.REPLACE_EXISTING);
                }
                Files.delete(file);
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult postVisitDirectory(Path visited, @Nullable IOException problem) throws IOException {
                Files.delete(visited);
                return FileVisitResult.CONTINUE;
            }
        });
    }
}
