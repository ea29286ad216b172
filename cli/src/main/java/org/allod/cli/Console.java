package org.allod.cli;

import java.io.BufferedOutputStream;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Set;

/**
 * What the person sees. Results go to standard output, buffered; progress, advice and errors to standard error, so that
 * a pipe gets results alone. Colour and moving lines only where a terminal is: the launcher tells which streams are
 * ({@code allod.tty}), because a shell knows for free what would cost the JVM a library.
 *
 * <p>Names, metadata, events and logs are the words of whoever owns a machine. On a terminal, what moves its cursor,
 * sets its title or turns the reading order around is shown as {@code \\u001b} ({@link ControlCharacterEscaper}); into a pipe or a file
 * everything goes as it is. Styles of ours travel as characters that no value has, until they are printed.
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

    /** The process's own streams, always UTF-8: a user's page is not an ASCII page because cron set no locale. */
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

    /** For what is not text of ours: streams of commands. */
    PrintStream out() {
        return out;
    }

    PrintStream err() {
        return err;
    }

    /** Some lines of the result, as they are to be laid out. */
    void print(String text) {
        settle();
        out.print(ControlCharacterEscaper.rendered(text, terminal));
    }

    /** A line of the result with everything in it, whatever it does to a terminal: for who asked for that. */
    void raw(String text) {
        settle();
        out.println(text);
    }

    /** How a value is to stand in a line with others: on a terminal, without anything that moves it. */
    String cell(String text) {
        return terminal ? ControlCharacterEscaper.inLine(text) : text;
    }

    /** A line of the result. */
    void line(String text) {
        settle();
        out.println(ControlCharacterEscaper.rendered(text, terminal));
    }

    /** A line of the result that somebody waits for: not held back. */
    void now(String text) {
        line(text);
        out.flush();
    }

    /** A line of the person's, not of the result. */
    void note(String text) {
        settle();
        out.flush();
        err.println(ControlCharacterEscaper.rendered(text, moving));
    }

    /** Where long work is. Replaces the previous such line on a terminal; elsewhere printed when the work changes. */
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

    /** Ends a progress line, if one is open, leaving nothing of it. */
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

    /** A machine's state, or a run's, in the colour people expect of it. */
    String state(String text) {
        return switch (text.strip()) {
            case "started", "done", "ok", "ready", "passed", "succeeded", "completed" -> paint("32", text);
            case "failed", "error", "aborted", "unrecoverable" -> paint("31", text);
            case "starting", "stopping", "creating", "created", "suspending", "running", "restarting" ->
                paint("33", text);
            default -> text;
        };
    }

    /** Whether a person is there to read a question and to answer it. */
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
