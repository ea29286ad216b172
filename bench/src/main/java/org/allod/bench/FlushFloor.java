package org.allod.bench;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * The floor of everything durable: 4 KiB written into already allocated space of a file, then {@code fdatasync}, in a
 * loop on one thread.
 */
final class FlushFloor {
    private static final int PAGE = 4096;
    private static final int PAGES = 4096;

    private FlushFloor() {}

    static double perSecond(Path dir, long nanos) throws IOException {
        Path file = dir.resolve("floor");
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
            ByteBuffer page = ByteBuffer.allocateDirect(PAGE);
            for (int i = 0; i < PAGES; i++) {
                write(channel, page, i);
            }
            channel.force(true);
            long count = 0;
            long begun = System.nanoTime();
            long now = begun;
            while (now - begun < nanos) {
                write(channel, page, count % PAGES);
                channel.force(false);
                count++;
                now = System.nanoTime();
            }
            return count * 1e9 / (now - begun);
        } finally {
            Files.deleteIfExists(file);
        }
    }

    private static void write(FileChannel channel, ByteBuffer page, long index) throws IOException {
        page.clear();
        while (page.hasRemaining()) {
            channel.write(page, index * PAGE + page.position());
        }
    }
}
