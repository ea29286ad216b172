package org.allod.runtime;

import java.io.InputStream;
import java.io.OutputStream;
import java.util.concurrent.CompletableFuture;

/** A command running in a guest. {@link #close} ends it if it still runs. */
public interface Exec extends AutoCloseable {
    /** The command's standard input; closing it sends end of file. */
    OutputStream stdin();

    InputStream stdout();

    /** Empty if the command has a terminal. */
    InputStream stderr();

    void resize(ExecSpec.Tty size);

    void signal(int signal);

    /** Completes when the command has ended and all its output is in the streams. */
    CompletableFuture<ExitStatus> exited();

    @Override
    void close();
}
