package org.allod.machine;

import java.io.IOException;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;
import org.allod.base.FailedException;

/** The file system under the data folder, as the kernel counts it. */
interface DiskSpace {
    long total();

    /** Bytes that may still be written, without what the file system reserves for root. */
    long free();

    static DiskSpace of(Path folder) {
        FileStore store;
        try {
            Files.createDirectories(folder);
            store = Files.getFileStore(folder); // reads the table of mounts, so once
        } catch (IOException e) {
            throw new FailedException("cannot find the file system of " + folder + ": " + e.getMessage(), e);
        }
        return new DiskSpace() {
            @Override
            public long total() {
                return asked(store::getTotalSpace);
            }

            @Override
            public long free() {
                return asked(store::getUsableSpace);
            }

            private long asked(Question question) {
                try {
                    return question.ask();
                } catch (IOException e) {
                    throw new FailedException("cannot measure the disk under " + folder + ": " + e.getMessage(), e);
                }
            }
        };
    }

    /** Asks the kernel for one number. */
    interface Question {
        long ask() throws IOException;
    }
}
