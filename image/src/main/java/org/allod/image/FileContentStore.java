package org.allod.image;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * The contents of files while a tree is assembled: one numbered file for each, in a private folder. No name from an
 * image is used, so none can do harm.
 */
final class FileContentStore {
    private final Path folder;
    private long last;

    FileContentStore(Path folder) throws IOException {
        this.folder = Files.createDirectories(folder);
    }

    Path path() {
        return folder;
    }

    Path path(long content) {
        return folder.resolve(Long.toString(content));
    }

    /** Creates a file, has {@code writer} fill it and returns its number. */
    long write(Writer writer) throws IOException {
        long content = ++last;
        try (OutputStream out =
                Files.newOutputStream(path(content), StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            writer.writeTo(out);
        }
        return content;
    }

    interface Writer {
        void writeTo(OutputStream out) throws IOException;
    }
}
