package org.allod.cli;

import java.io.BufferedOutputStream;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Set;

/**
 * Output to the user. Results go to standard output, buffered; progress, advice and errors go to standard error, so
 * that a pipe receives only results. Colours and progress lines are used only on a terminal: the launcher says which
 * streams are terminals ({@code allod.tty}), because the shell knows that for free and the JVM would need a library.
 *
 * <p>Names, metadata, events and logs are chosen by a machine's owner and untrusted. On a terminal, characters that
 * move the cursor, set the title or change the reading order are shown as {@code \\u001b} ({@link
 * ControlCharacterEscaper}); in a pipe or a file everything is unchanged. Until they are printed, styles are encoded as
 * characters that no value contains.
 */
final class Console {
    private static final int LINE = 100;

    private final PrintStream out;
    private final PrintStream err;
    private final boolean terminal;
    private final boolean moving;
    private final boolean colour;
    private final boolean asks;
    private boolean openLine;
    private String last = "";

    Console(PrintStream out, PrintStream err, Set<String> terminals, boolean noColour) {
        this.out = out;
        this.err = err;
        this.terminal = terminals.contains("1");
        this.moving = terminals.contains("2");
        this.asks = terminals.contains("0") && terminals.contains("2");
        this.colour = terminals.contains("1") && !noColour;
    }

    /** The process's own streams, always UTF-8: output must not degrade to ASCII because cron sets no locale. */
    static Console ofProcess() {
        return new Console(
                new PrintStream(
                        new BufferedOutputStream(new FileOutputStream(FileDescriptor.out), 16 * 1024),
                        false,
                        StandardCharsets.UTF_8),
                new PrintStream(new FileOutputStream(FileDescriptor.err), true, StandardCharsets.UTF_8),
                Set.of(System.getProperty("allod.tty", "").split(",")),
                System.getenv("NO_COLOR") != null);
    }

    /** For raw data: the streams of commands. */
    PrintStream out() {
        return out;
    }

    PrintStream err() {
        return err;
    }

    /** Prints lines of the result that are already laid out. */
    void print(String text) {
        settle();
        out.print(ControlCharacterEscaper.rendered(text, terminal));
    }

    /** Prints a line of the result unescaped, for a user who asked for that. */
    void raw(String text) {
        settle();
        out.println(text);
    }

    /** Escapes a value for a line with other values, if the output is a terminal. */
    String cell(String text) {
        return terminal ? ControlCharacterEscaper.inLine(text) : text;
    }

    /** Prints a line of the result. */
    void line(String text) {
        settle();
        out.println(ControlCharacterEscaper.rendered(text, terminal));
    }

    /** Prints a line of the result and flushes, because the user waits for it. */
    void now(String text) {
        line(text);
        out.flush();
    }

    /** Prints a message for the user that is not part of the result. */
    void note(String text) {
        settle();
        out.flush();
        err.println(ControlCharacterEscaper.rendered(text, moving));
    }

    /**
     * Shows the progress of long work. On a terminal it replaces the previous progress line; elsewhere it is printed
     * only when the work changes.
     */
    synchronized void progress(String work, String detail) {
        if (moving) {
            String line = ControlCharacterEscaper.inLine("  " + work + (detail.isEmpty() ? "" : "  " + detail));
            err.print("\r\033[2K" + (line.length() > LINE ? line.substring(0, LINE) : line));
            err.flush();
            openLine = true;
        } else if (!work.equals(last)) {
            err.println("  " + work);
        }
        last = work;
    }

    /** Erases an open progress line. */
    synchronized void settle() {
        if (openLine) {
            err.print("\r\033[2K");
            err.flush();
            openLine = false;
        }
    }

    String bold(String text) {
        return paint("1", text);
    }

    String dim(String text) {
        return paint("2", text);
    }

    /** A machine's or run's state, in its usual colour. */
    String state(String text) {
        return switch (text.strip()) {
            case "started", "done", "ok", "ready", "passed", "succeeded", "completed" -> paint("32", text);
            case "failed", "error", "aborted", "unrecoverable" -> paint("31", text);
            case "starting", "stopping", "creating", "created", "suspending", "running", "restarting" ->
                paint("33", text);
            default -> text;
        };
    }

    /** Whether a user is present who can answer a question. */
    boolean asks() {
        return asks;
    }

    boolean inColour() {
        return colour;
    }

    private String paint(String code, String text) {
        return colour ? ControlCharacterEscaper.styled(code, text) : text;
    }

    void flush() {
        settle();
        out.flush();
        err.flush();
    }
}
