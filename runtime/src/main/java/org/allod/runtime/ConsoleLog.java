package org.allod.runtime;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArraySet;
import org.allod.base.Clock;
import org.allod.base.FailedException;
import org.allod.base.LoopFailures;
import org.allod.runtime.LogLine.Source;

/**
 * The log of one machine: the lines of its main process, in two files of bounded size; the older one is replaced as a
 * whole. The files alone record how far the guest's output is stored, so a daemon that was killed continues at the
 * exact byte: no line is duplicated and none is silently lost.
 *
 * <p>Not synced to disk: a power loss may take the last lines, a crash of the daemon takes none.
 *
 * <p>Safe for any thread.
 */
public final class ConsoleLog implements OutputSink, AutoCloseable {
    /** An unfinished line holds back the guest's window, so it is written as a partial line at this length. */
    private static final int HOLD_BACK = GuestProtocol.OUTPUT_WINDOW / 4;

    /** The guest's streams 1 and 2. */
    private static final List<Source> STREAMS = List.of(Source.STDOUT, Source.STDERR);

    private final Path file;
    private final Path older;
    private final long limit;
    private final Clock clock;
    private final Set<LogFollower> followers = new CopyOnWriteArraySet<>();
    private final LineSplitter[] cutters = {new LineSplitter(), new LineSplitter()};
    private final long[] ends = new long[2];
    private FileChannel channel;
    private long size;
    private long boot;
    private long position;
    private boolean released;
    private boolean closed;
    /** Whether the file has been moved away and the new one is not begun yet. */
    private boolean rotated;
    /** Records since the last that could be written. */
    private long lost;

    /**
     * Opens the log at {@code file}, or creates it.
     *
     * @param limit how big one of the two files may get, in bytes
     */
    ConsoleLog(Path file, long limit, Clock clock) {
        this.file = file;
        this.older = file.resolveSibling(file.getFileName() + ".1");
        this.limit = limit;
        this.clock = clock;
        try {
            Files.createDirectories(file.toAbsolutePath().getParent());
            channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
            size = restore();
            channel.truncate(size);
        } catch (IOException e) {
            throw new FailedException("cannot open the log " + file + ": " + e.getMessage(), e);
        }
        for (int i = 0; i < 2; i++) {
            cutters[i].reset(ends[i]);
        }
    }

    /** Restores the positions from the file; returns its length up to the last complete record. */
    private long restore() throws IOException {
        byte[] content = Files.readAllBytes(file);
        int whole = 0;
        for (int i = 0; i < content.length; i++) {
            if (content[i] == '\n') {
                restore(new String(content, whole, i - whole, StandardCharsets.UTF_8));
                whole = i + 1;
            }
        }
        return whole;
    }

    private void restore(String line) {
        switch (LogRecord.decode(line).orElse(null)) {
            case LogRecord.Boot b -> {
                boot = b.boot();
                position = b.kept();
                ends[0] = b.stdout();
                ends[1] = b.stderr();
            }
            case LogRecord.Text t
            when t.line().source() != Source.HOST -> {
                ends[STREAMS.indexOf(t.line().source())] = t.end();
                position = t.kept();
            }
            case LogRecord.Text _ -> {}
            case null -> {}
        }
    }

    @Override
    public synchronized long boot() {
        return boot;
    }

    @Override
    public synchronized long position() {
        long first = position;
        for (LineSplitter cutter : cutters) {
            long waiting = cutter.waitingFrom();
            first = waiting < 0 ? first : Math.min(first, waiting);
        }
        return first;
    }

    @Override
    public synchronized void booted(long newBoot, long newPosition) {
        requireOpen();
        if (newBoot != boot) {
            flush();
            boot = newBoot;
            ends[0] = newPosition;
            ends[1] = newPosition;
            append(new LogRecord.Boot(boot, newPosition, newPosition, newPosition));
        }
        // The guest sends lines that were partly received over the last connection again from their first byte.
        cutters[0].reset(ends[0]);
        cutters[1].reset(ends[1]);
        position = newPosition;
    }

    @Override
    public synchronized void output(long at, int stream, byte[] bytes) {
        requireOpen();
        position = at;
        cutters[stream - 1].add(at, bytes, (text, partial, end) -> write(stream - 1, text, partial, end));
        position = at + bytes.length;
        for (int i = 0; i < 2; i++) {
            long waiting = cutters[i].waitingFrom();
            if (waiting >= 0 && position - waiting > HOLD_BACK) {
                flush(i);
            }
        }
    }

    @Override
    public synchronized void lost(long at, long count) {
        requireOpen();
        flush();
        note(count + " bytes of output were lost here: nobody took them in time");
        position = at + count;
        // Dropped output is never sent again, whichever stream it belonged to.
        ends[0] = position;
        ends[1] = position;
        cutters[0].reset(position);
        cutters[1].reset(position);
        append(new LogRecord.Boot(boot, position, position, position));
    }

    /** Refuses what the guest sent to a log that is closed: not acknowledged, it comes again to the next one. */
    private void requireOpen() {
        if (closed) {
            throw new FailedException("cannot write to the log " + file + ": it is closed");
        }
    }

    /** Writes a line of the host's own, about the machine; nothing once the log is closed. */
    public synchronized void note(String text) {
        if (closed) {
            return;
        }
        line(new LogLine(clock.wall(), Source.HOST, text, false), 0);
    }

    /** Writes what waits for the end of its line: nothing more will come. Nothing once the log is closed. */
    public synchronized void flush() {
        if (closed) {
            return;
        }
        flush(0);
        flush(1);
    }

    private void flush(int stream) {
        cutters[stream].flush((text, partial, end) -> write(stream, text, partial, end));
    }

    private void write(int stream, String text, boolean partial, long end) {
        ends[stream] = end;
        position = Math.max(position, end);
        line(new LogLine(clock.wall(), STREAMS.get(stream), text, partial), end);
    }

    private void line(LogLine line, long end) {
        append(new LogRecord.Text(line, end, position()));
        followers.forEach(follower -> follower.offer(line));
    }

    /**
     * Writes a record, or counts it as lost: a full disk must not stop the guest's output from being acknowledged, nor
     * hide its exit. The next record that can be written says how many were lost.
     */
    private void append(LogRecord entry) {
        boolean interrupted = false;
        while (true) {
            // A file channel closes itself when the thread that uses it is interrupted: the record is written all the
            // same.
            interrupted |= Thread.interrupted();
            try {
                ready();
                if (lost > 0) {
                    mend();
                }
                add(entry);
                break;
            } catch (ClosedByInterruptException e) {
                // The channel is opened again, at the end of the last whole record.
            } catch (IOException e) {
                lost++;
                LoopFailures.ofProcess().report("console-log", e);
                cut();
                break;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /** Has the channel open at the end of the last whole record; only a file that was moved away is begun anew. */
    private void ready() throws IOException {
        if (rotated) {
            begin();
        } else if (!channel.isOpen()) {
            channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
            size = Math.min(size, channel.size());
            channel.truncate(size);
            if (size == 0) {
                introduce();
            }
        }
    }

    private void add(LogRecord entry) throws IOException {
        byte[] bytes = entry.encode().getBytes(StandardCharsets.UTF_8);
        if (size > 0 && size + bytes.length > limit) {
            rotate();
        }
        writeAll(bytes);
    }

    /** Records what was lost, and the position of the guest's output at that time. */
    private void mend() throws IOException {
        add(new LogRecord.Boot(boot, ends[0], ends[1], position()));
        String text = lost + " lines were lost here: the host could not write them";
        add(new LogRecord.Text(new LogLine(clock.wall(), Source.HOST, text, false), 0, position()));
        lost = 0;
    }

    /** Truncates half a line, which would make the next one unreadable. */
    private void cut() {
        try {
            if (channel.isOpen()) {
                channel.truncate(size);
            }
        } catch (IOException e) {
            // The next record overwrites it, and the next opening drops the rest.
            System.getLogger(ConsoleLog.class.getName()).log(System.Logger.Level.DEBUG, "cutting " + file, e);
        }
    }

    private void rotate() throws IOException {
        channel.close();
        Files.move(file, older, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
        rotated = true;
        begin();
    }

    private void begin() throws IOException {
        channel.close();
        channel = FileChannel.open(
                file, StandardOpenOption.CREATE, StandardOpenOption.TRUNCATE_EXISTING, StandardOpenOption.WRITE);
        size = 0;
        introduce();
        rotated = false;
    }

    /** Writes where the guest's output stands, so that each file can be read without the one before. */
    private void introduce() throws IOException {
        writeAll(new LogRecord.Boot(boot, ends[0], ends[1], position()).encode().getBytes(StandardCharsets.UTF_8));
    }

    private void writeAll(byte[] bytes) throws IOException {
        ByteBuffer buffer = ByteBuffer.wrap(bytes);
        while (buffer.hasRemaining()) {
            channel.write(buffer, size + buffer.position());
        }
        size += bytes.length;
    }

    /** The last {@code count} lines, oldest first. */
    public synchronized List<LogLine> tail(int count) {
        ArrayDeque<LogLine> lines = new ArrayDeque<>();
        for (Path part : List.of(older, file)) {
            try (var text = Files.lines(part, StandardCharsets.UTF_8)) {
                text.forEach(line -> {
                    if (LogRecord.decode(line).orElse(null) instanceof LogRecord.Text t && count > 0) {
                        lines.add(t.line());
                        if (lines.size() > count) {
                            lines.remove();
                        }
                    }
                });
            } catch (NoSuchFileException e) {
                // Not rotated yet, or removed meanwhile.
            } catch (IOException | UncheckedIOException e) {
                throw new FailedException("cannot read the log " + part + ": " + e.getMessage(), e);
            }
        }
        return new ArrayList<>(lines);
    }

    /** The last {@code count} lines and everything after them, without a gap. */
    public synchronized LogFollower follow(int count) {
        if (released) {
            throw new FailedException(
                    "the log " + file + " has just been closed, as its machine does not run: ask again");
        }
        LogFollower follower = new LogFollower(tail(count), followers::remove);
        followers.add(follower);
        return follower;
    }

    /** Closes the file unless somebody follows it; returns false in that case. */
    synchronized boolean release() {
        if (!followers.isEmpty()) {
            return false;
        }
        close();
        released = true;
        return true;
    }

    /** Ends all followers and closes the file, which stays on disk. */
    @Override
    public synchronized void close() {
        flush();
        closed = true;
        followers.forEach(LogFollower::close);
        try {
            channel.close();
        } catch (IOException e) {
            throw new FailedException("cannot close the log " + file + ": " + e.getMessage(), e);
        }
    }
}
