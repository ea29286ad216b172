package org.allod.base;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * Ends the process when it has run out of memory or the JVM has failed. Any thread may then have failed anywhere, so
 * nothing in the process can be relied on. The service manager restarts it, and the runs resume.
 *
 * <p>{@code -XX:+ExitOnOutOfMemoryError} does this for the heap. It does not for a thread that cannot be started, for
 * direct memory, and for Netty's own count of it: those are ordinary errors thrown by Java. They are seen here where
 * they end a thread, where anybody logs them (Netty does, and goes on), where they become the cause of a {@link
 * FailedException} or a {@link Bug}, and where {@link #check} is called by code that keeps a {@link Throwable}. A
 * {@link StackOverflowError} is a defect of one computation, perhaps provoked: not fatal.
 */
public final class FatalErrors {
    /** The same as the JVM's own for {@code ExitOnOutOfMemoryError}. */
    public static final int EXIT_CODE = 3;

    private static final int DEPTH = 16;

    // Allocated in advance, because nothing can be allocated when they are needed.
    private static final byte[] NOTE =
            "allod: the process is out of memory or its JVM has failed, and ends: ".getBytes(StandardCharsets.US_ASCII);
    private static final FileOutputStream STDERR = new FileOutputStream(FileDescriptor.err);

    private static volatile boolean installed;

    private FatalErrors() {}

    /** Installs the handlers. A process calls it first; from then on such errors end the process. */
    public static void install() {
        installed = true;
        Thread.setDefaultUncaughtExceptionHandler((thread, error) -> {
            check(error);
            System.getLogger(FatalErrors.class.getName())
                    .log(System.Logger.Level.ERROR, "the thread " + thread.getName() + " ended by an error", error);
        });
        Logger.getLogger("").addHandler(new Watch());
    }

    /** Ends the process if this error or one of its causes is fatal; does nothing without {@link #install}. */
    public static void check(@Nullable Throwable error) {
        if (installed && fatal(error)) {
            end(error);
        }
    }

    /** For whoever goes on after anything else: throws an error of the virtual machine, but for a stack that overflowed. */
    static void rethrow(Throwable error) {
        if (error instanceof VirtualMachineError end && !(error instanceof StackOverflowError)) {
            throw end;
        }
    }

    static boolean fatal(@Nullable Throwable error) {
        Throwable at = error;
        for (int i = 0; at != null && i < DEPTH; i++) {
            if (at instanceof VirtualMachineError && !(at instanceof StackOverflowError)) {
                return true;
            }
            at = at.getCause();
        }
        return false;
    }

    private static void end(@Nullable Throwable error) {
        try {
            STDERR.write(NOTE);
            STDERR.write((error + "\n").getBytes(StandardCharsets.UTF_8));
        } catch (IOException | Error e) {
            // The message cannot be written; the exit code tells the cause.
        } finally {
            Runtime.getRuntime().halt(EXIT_CODE);
        }
    }

    /** Inspects what is logged, because libraries that catch every error and continue log it. */
    private static final class Watch extends Handler {
        Watch() {
            setLevel(Level.ALL);
        }

        @Override
        public void publish(LogRecord entry) {
            check(entry.getThrown());
        }

        @Override
        public void flush() {}

        @Override
        public void close() {}
    }
}
