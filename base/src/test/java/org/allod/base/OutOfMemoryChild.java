package org.allod.base;

import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/** A process that runs out of something, in the way it is told, and would go on; for {@link FatalErrorsTest}. */
final class OutOfMemoryChild {
    private OutOfMemoryChild() {}

    public static void main(String[] args) throws Exception {
        FatalErrors.install();
        CompletableFuture<Void> over = new CompletableFuture<>();
        switch (args[0]) {
            case "heap, kept by a future" -> CompletableFuture.runAsync(OutOfMemoryChild::heap);
            case "direct memory, in a thread" -> Thread.ofVirtual().start(() -> direct());
            case "direct memory, in a timer" -> new SystemTimers().after(Duration.ZERO, () -> direct());
            case "direct memory, logged" -> {
                try {
                    direct();
                } catch (Error e) {
                    System.getLogger("library").log(System.Logger.Level.WARNING, "caught everything", e);
                }
            }
            case "no thread, wrapped" -> {
                try {
                    new Thread(null, () -> {}, "as large as nothing can be", 1L << 46).start();
                } catch (Throwable e) {
                    over.completeExceptionally(new FailedException("a thread could not be started", e));
                }
            }
            case "stack" -> {
                Thread deep = new Thread(() -> deep(0));
                deep.start();
                deep.join();
                over.complete(null);
            }
            default -> throw new IllegalArgumentException(args[0]);
        }
        if (!args[0].equals("stack")) {
            over.completeOnTimeout(null, 30, TimeUnit.SECONDS).get();
        }
        System.out.println("goes on");
    }

    private static void heap() {
        List<byte[]> all = new ArrayList<>();
        while (true) {
            all.add(new byte[1 << 20]);
        }
    }

    private static ByteBuffer direct() {
        return ByteBuffer.allocateDirect(1 << 30);
    }

    private static int deep(int level) {
        return level == Integer.MAX_VALUE ? 0 : deep(level + 1) + 1;
    }
}
