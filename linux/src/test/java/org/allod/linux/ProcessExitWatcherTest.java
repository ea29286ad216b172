package org.allod.linux;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Watching while processes are started. Between fork and exec a child holds every descriptor of ours a second time, so
 * that one we close is not gone from an epoll it was in: whoever closes by what such an epoll says may close what
 * another has opened since.
 */
class ProcessExitWatcherTest {
    private static final int LIVES = 400;

    @TempDir
    private Path folder;

    @Test
    void watch_whileProcessesAreStarted_closesNothingOfOthers() throws Exception {
        ConcurrentLinkedQueue<Throwable> broken = new ConcurrentLinkedQueue<>();
        CountDownLatch over = new CountDownLatch(4);
        try (ProcessExitWatcher watch = new ProcessExitWatcher();
                ExecutorService threads = Executors.newCachedThreadPool()) {
            for (int t = 0; t < 4; t++) {
                threads.submit(() -> {
                    try {
                        live(watch);
                    } catch (Exception | AssertionError e) {
                        broken.add(e);
                    } finally {
                        over.countDown();
                    }
                });
            }
            List<FileChannel> open = new ArrayList<>();
            while (!over.await(0, TimeUnit.MILLISECONDS)) {
                openAndClose(open, broken);
            }
            for (FileChannel file : open) {
                file.close();
            }
        }
        assertThat(broken).isEmpty();
    }

    private static void live(ProcessExitWatcher watch) throws Exception {
        for (int i = 0; i < LIVES / 4; i++) {
            DetachedProcess.Started started =
                    DetachedProcess.of(List.of("true")).start();
            if (started.process().isPresent()) {
                watch.exit(started.process().get()).get(20, TimeUnit.SECONDS);
            }
        }
    }

    /** Files of another's: what was written to one through its own channel is what it is to hold. */
    private void openAndClose(List<FileChannel> open, ConcurrentLinkedQueue<Throwable> broken) {
        try {
            open.add(FileChannel.open(
                    folder.resolve("file" + open.size() % 20), StandardOpenOption.CREATE, StandardOpenOption.WRITE));
            for (FileChannel file : open) {
                file.write(ByteBuffer.wrap(new byte[] {1}), 0);
            }
            if (open.size() > 20) {
                open.removeFirst().close();
            }
        } catch (java.io.IOException e) {
            broken.add(e);
            open.clear();
        }
    }
}
