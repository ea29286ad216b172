package org.allod.host;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.OptionalLong;
import java.util.stream.Stream;
import org.allod.base.FailedException;
import org.allod.linux.NativeHeap;

/** The memory of this process, as its kernel counts it, and what makes it less. */
final class ProcessMemory implements IdleMemoryReleaser.Memory {
    private static final Path STATUS = Path.of("/proc/self/status");

    private final Runnable caches;

    /** @param caches frees what parts of the daemon keep for faster reads */
    ProcessMemory(Runnable caches) {
        this.caches = caches;
    }

    @Override
    public Duration cpu() {
        return ProcessHandle.current()
                .info()
                .totalCpuDuration()
                .orElseThrow(() -> new FailedException("the kernel does not tell this process's processor time"));
    }

    /** Without the pages of files, which the kernel takes back by itself. */
    @Override
    public long heldBytes() {
        return status("RssAnon:").orElseThrow(() -> new FailedException(STATUS + " does not say RssAnon")) << 10;
    }

    /** A full collection: what the heap no longer needs goes back by the flags in launcher/caches. */
    @Override
    public void collect() {
        System.gc();
    }

    @Override
    public void trim() {
        try {
            caches.run();
        } finally {
            boolean _ = NativeHeap.trim();
        }
    }

    /** The number in a line of the kernel's page about this process. */
    static OptionalLong status(String field) {
        try (Stream<String> lines = Files.lines(STATUS)) {
            return lines.filter(line -> line.startsWith(field))
                    .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")))
                    .findFirst();
        } catch (IOException e) {
            throw new FailedException("cannot read " + STATUS, e);
        }
    }
}
