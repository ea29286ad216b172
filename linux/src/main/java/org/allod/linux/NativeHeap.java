package org.allod.linux;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Optional;
import org.allod.base.Bug;

/** What the C library's {@code malloc} holds for this process: SQLite's pages, buffers of the network, the JVM's own. */
public final class NativeHeap {
    private NativeHeap() {}

    /**
     * Gives whole pages that nobody uses back to the kernel ({@code malloc_trim(3)}). By itself the C library does that at
     * the top of an arena only, so that one block in use keeps everything below it. Takes milliseconds, in which others
     * wait where they allocate; so it works on a thread of its own and belongs into a quiet moment.
     *
     * @return whether any were given back; false too with a C library that has no such call
     */
    public static boolean trim() {
        Optional<MemorySegment> trim = Linker.nativeLinker().defaultLookup().find("malloc_trim");
        return trim.isPresent() && PlatformThreads.call("malloc-trim", () -> trim(trim.get()));
    }

    private static boolean trim(MemorySegment function) {
        try {
            // Linked anew each time, 20 ms: it is called a few times a day, and nothing stays for it.
            int given = (int) Linker.nativeLinker()
                    .downcallHandle(function, FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG))
                    .invokeExact(0L);
            return given != 0;
        } catch (Throwable e) {
            throw new Bug("foreign call of malloc_trim threw", e);
        }
    }
}
