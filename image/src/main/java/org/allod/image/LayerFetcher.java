package org.allod.image;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletionService;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorCompletionService;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.allod.base.Bug;
import org.allod.base.FailedException;
import org.allod.base.RejectedException;
import org.allod.image.ImageStore.Progress;

/**
 * Fetches an image's layers, a few at a time: registries limit one connection more than they limit a client. The first
 * failure ends the others; what they have received is kept for the next attempt.
 */
final class LayerFetcher {
    private static final int AT_ONCE = 3;

    private LayerFetcher() {}

    static void fetch(List<Descriptor> layers, ImageSource source, BlobStore blobs, SpaceGuard space, Progress progress)
            throws IOException, InterruptedException {
        // Platform threads: each ends with an fsync, which would block a carrier thread.
        ExecutorService threads = Executors.newFixedThreadPool(
                AT_ONCE, Thread.ofPlatform().daemon().name("image: layers", 0).factory());
        try {
            CompletionService<Void> done = new ExecutorCompletionService<>(threads);
            List<Future<Void>> all = new ArrayList<>();
            for (Descriptor layer : layers) {
                all.add(done.submit(() -> {
                    blobs.fetch(layer, source, space, progress);
                    return null;
                }));
            }
            for (Future<Void> ignored : all) {
                result(done.take());
            }
        } finally {
            threads.shutdownNow();
            // Until they have stopped they may still write, and the caller is about to free the space.
            threads.close();
        }
    }

    private static void result(Future<Void> done) throws IOException, InterruptedException {
        try {
            done.get();
        } catch (ExecutionException e) {
            switch (e.getCause()) {
                case IOException io -> throw io;
                case InterruptedException stopped -> throw stopped;
                case RejectedException rejected -> throw rejected;
                case FailedException failed -> throw failed;
                case null, default -> throw new Bug("fetching a layer failed in a way nobody thought of", e.getCause());
            }
        }
    }
}
