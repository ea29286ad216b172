package org.allod.runtime;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.List;
import org.allod.powercut.Recording;

/**
 * What {@link SavedMemoryTest} records: a machine that is suspended again and again and goes on, or is dropped, in each way
 * that a runtime has. Its ledger says {@code saved N} once memory N is whole, {@code using N} before anything is done with
 * it, and {@code spent N} when its guest goes on, or the next boots from clean: then it must be gone for good.
 */
final class SavedMemoryChild {
    static final int TIMES = 24;

    /** Bytes of each file of saved memory: a few sectors. */
    static final int SIZE = 2000;

    private SavedMemoryChild() {}

    /** Arguments: the machine's folder, the ledger, and {@code file} or {@code folder}. */
    public static void main(String[] args) throws Exception {
        Path home = Path.of(args[0]);
        Path ledger = Path.of(args[1]);
        MemoryCheckpoint memory = new MemoryCheckpoint(home);
        RuntimeResources.make(home);
        for (int n = 1; n <= TIMES; n++) {
            memory.giveUp();
            if (args[2].equals("file")) {
                write(memory.saving(), n);
            } else {
                RuntimeResources.make(memory.saving());
                for (String name : FILES) {
                    write(memory.saving().resolve(name), n);
                }
            }
            memory.finish();
            Recording.acknowledge(ledger, "saved " + n);
            Recording.acknowledge(ledger, "using " + n);
            switch (n % 4) {
                case 0 -> {
                    if (n % 8 == 0) { // a daemon died before it made durable that its guest goes on
                        memory.removeUsed();
                        Files.move(memory.saved(), memory.resuming(), StandardCopyOption.ATOMIC_MOVE);
                    }
                    memory.discard();
                }
                case 1 -> {
                    memory.load();
                    memory.putBack();
                    memory.goOn();
                }
                case 2 -> {
                    memory.load();
                    memory.goOn();
                }
                default -> memory.goOn();
            }
            Recording.acknowledge(ledger, "spent " + n);
            if (n % 3 != 0) { // else its daemon dies here
                memory.removeUsed();
            }
        }
    }

    static final List<String> FILES = List.of("checkpoint.img", "pages.img");

    static byte[] content(int n) {
        byte[] bytes = new byte[SIZE];
        java.util.Arrays.fill(bytes, (byte) n);
        return bytes;
    }

    private static void write(Path file, int n) throws IOException {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
            int _ = channel.write(ByteBuffer.wrap(content(n)), 0);
        }
    }
}
