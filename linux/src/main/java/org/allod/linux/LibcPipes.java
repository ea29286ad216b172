package org.allod.linux;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * The system calls that a pipe needs, by their numbers on either architecture we run on. Results below zero are the
 * negated {@code errno}.
 */
final class LibcPipes {
    private static final boolean X86 = System.getProperty("os.arch", "").equals("amd64");
    private static final int READ = X86 ? 0 : 63;
    private static final int PIPE2 = X86 ? 293 : 59;
    private static final int O_NONBLOCK = 0x800;

    private LibcPipes() {}

    /**
     * A pipe, neither end of it for children, and neither waiting.
     *
     * @param result where it worked 0, else the negated {@code errno}, and the ends are nothing
     */
    record Ends(int result, int reader, int writer) {}

    static Ends pipe() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment ends = arena.allocate(ValueLayout.JAVA_INT, 2);
            int result = (int) Libc.syscall(PIPE2, ends.address(), Libc.O_CLOEXEC | O_NONBLOCK, 0, 0, 0, 0);
            return new Ends(result, ends.getAtIndex(ValueLayout.JAVA_INT, 0), ends.getAtIndex(ValueLayout.JAVA_INT, 1));
        }
    }

    /** How many bytes came; 0 once nobody can write any more, {@code -EAGAIN} while nobody has. */
    static int read(int fd, MemorySegment buffer) {
        return (int) Libc.syscall(READ, fd, buffer.address(), buffer.byteSize(), 0, 0, 0);
    }
}
