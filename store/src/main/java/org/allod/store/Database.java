package org.allod.store;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.Consumer;
import org.allod.base.FailedException;
import org.jspecify.annotations.Nullable;

/**
 * One SQLite file. Writes are durable when they return; a read sees every write that was durable when it began. The
 * package documentation says what that means and has the thread rule.
 */
public final class Database implements AutoCloseable {
    private final Path file;
    private final List<Connection> connections;
    private final GroupCommitWriter writer;
    private final ReaderPool readers;
    private final DiskReserve reserve;
    private final WalIndexSpace index;

    private Database(
            Path file,
            List<Connection> connections,
            GroupCommitWriter writer,
            ReaderPool readers,
            DiskReserve reserve,
            WalIndexSpace index) {
        this.file = file;
        this.connections = connections;
        this.writer = writer;
        this.readers = readers;
        this.reserve = reserve;
        this.index = index;
    }

    /**
     * Opens the file, creates it if there is none, and migrates the tables of every component.
     *
     * @throws FailedException if the file is damaged, newer than this program, or not writable
     */
    public static Database open(Path file, DatabaseOptions options, List<Schema> schemas) {
        return open(file, options, schemas, Transactions::commit);
    }

    static Database open(Path file, DatabaseOptions options, List<Schema> schemas, Transactions.Commit commit) {
        List<Connection> opened = new ArrayList<>();
        boolean done = false;
        DiskReserve reserve = new DiskReserve(file, options);
        reserve.open();
        try {
            Connection first = ConnectionFactory.writer(file, options);
            opened.add(first);
            DirectorySync.settle(file);
            Transaction tx = new Transaction(first);
            Migrations.run(tx, file, schemas);
            List<Transaction> readerSessions = new ArrayList<>();
            for (int i = 0; i < options.readers(); i++) {
                Connection reader = ConnectionFactory.reader(file);
                opened.add(reader);
                readerSessions.add(new Transaction(reader));
            }
            WalIndexSpace index = WalIndexSpace.make(file, options.checkpointPages());
            GroupCommitWriter writer = new GroupCommitWriter(
                    file,
                    tx,
                    options,
                    commit,
                    new WalCheckpointer(tx, index, options.checkpointPages()),
                    reserve::giveUp);
            writer.start();
            done = true;
            return new Database(file, opened, writer, new ReaderPool(file, readerSessions), reserve, index);
        } catch (SQLException e) {
            throw SqliteErrors.failed("opening", file, e);
        } finally {
            if (!done) {
                closeAll(opened);
            }
        }
    }

    /** Runs {@code body} in a transaction and returns once it is durable. */
    public <T extends @Nullable Object> T write(TransactionBody<T> body) {
        return join(submit(body));
    }

    /** Runs {@code body} in a transaction; the future completes once it is durable. */
    public <T extends @Nullable Object> CompletableFuture<T> submit(TransactionBody<T> body) {
        CompletableFuture<T> result = new CompletableFuture<>();
        submit(body, new WriteCallback<T>() {
            @Override
            public void durable(T value) {
                result.complete(value);
            }

            @Override
            public void failed(Throwable why) {
                result.completeExceptionally(why);
            }
        });
        return result;
    }

    /** The same with a callback, for callers that write a hundred thousand times a second. */
    public <T extends @Nullable Object> void submit(TransactionBody<T> body, WriteCallback<T> callback) {
        writer.submit(new PendingWrite<>(body, callback));
    }

    /** Runs {@code body} on a reader thread, in one snapshot. */
    public <T extends @Nullable Object> T read(TransactionBody<T> body) {
        return join(readers.submit(body));
    }

    private static <T extends @Nullable Object> T join(CompletableFuture<T> future) {
        try {
            return future.join();
        } catch (CompletionException e) {
            switch (e.getCause()) {
                case Error error -> throw error;
                case RuntimeException runtime -> throw runtime;
                case null, default -> throw new FailedException("waiting for the database", e);
            }
        }
    }

    public Path file() {
        return file;
    }

    /**
     * Sets what to call when it is unknown what the disk holds and the database refuses further writes; the process
     * must then restart. It is called on the thread that wrote, or at once if that has happened already.
     */
    public void whenLost(Consumer<DurabilityLost> callback) {
        writer.whenLost(callback);
    }

    /** Whether the space that is reserved for a full disk exists ({@link DiskReserve}). */
    public boolean reserveHeld() {
        return reserve.held();
    }

    /** How often the reserve has been given up since the database was opened. */
    public long reserveGivenUp() {
        return reserve.givenUp();
    }

    /** Makes the reserve if it is missing and the disk has space for it; takes as long as writing it. */
    public boolean refillReserve() {
        return reserve.refill();
    }

    /**
     * Frees the pages of the file that connections keep in memory: 24 MB at most with the usual bounds. They are read
     * again where they are wanted, so this is for quiet moments.
     */
    public void releaseMemory() {
        int _ = write(ReaderPool.RELEASE_MEMORY);
        readers.releaseMemory();
    }

    /** Writes what is queued, then closes. */
    @Override
    public void close() {
        writer.close();
        readers.close();
        closeAll(connections);
        index.close();
    }

    private static void closeAll(List<Connection> connections) {
        for (Connection connection : connections.reversed()) {
            try {
                connection.close();
            } catch (SQLException e) {
                // Everything acknowledged is in the write-ahead log already; the next open completes the rest.
                System.getLogger(Database.class.getName())
                        .log(System.Logger.Level.WARNING, "closing a connection of a database", e);
            }
        }
    }
}
