package org.allod.cli;

import java.io.IOException;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import org.allod.base.FailedException;

/**
 * Puts the user's terminal into raw mode for a guest's terminal, and restores it however the command ends. Uses {@code
 * stty}, which is on every Debian: two forks cost less than the JVM's first foreign call.
 */
final class Terminal implements AutoCloseable {
    /** Size in characters. */
    record Size(int columns, int rows) {}

    private final String saved;
    private final ShutdownHook atExit = ShutdownHook.doing(this::restore);
    private boolean raw = true;

    private Terminal(String saved) {
        this.saved = saved;
    }

    static Terminal takeOver() {
        String saved = stty("-g");
        Terminal terminal = new Terminal(saved);
        stty("raw", "-echo");
        return terminal;
    }

    static Size size() {
        String[] words = stty("size").split(" ", -1);
        return words.length == 2 ? new Size(Integer.parseInt(words[1]), Integer.parseInt(words[0])) : new Size(80, 24);
    }

    @Override
    public void close() {
        restore();
        atExit.close();
    }

    private synchronized void restore() {
        if (raw) {
            raw = false;
            stty(saved);
        }
    }

    /**
     * Calls {@code changed} after each change of the window's size. The JDK has no public API for SIGWINCH, so this
     * uses the unsupported one by reflection: in a JVM without it the window keeps its first size.
     */
    static void onResize(Runnable changed) {
        try {
            Class<?> signal = Class.forName("sun.misc.Signal");
            Class<?> handler = Class.forName("sun.misc.SignalHandler");
            // The handler is stored in the JVM's own table, which may call equals and hashCode.
            Object proxy = Proxy.newProxyInstance(
                    Terminal.class.getClassLoader(),
                    new Class<?>[] {handler},
                    (_, method, args) -> switch (method.getName()) {
                        case "handle" -> {
                            changed.run();
                            yield null;
                        }
                        case "equals" -> args[0] != null && Proxy.isProxyClass(args[0].getClass());
                        case "hashCode" -> 1;
                        default -> "allod's window handler";
                    });
            Object winch = signal.getConstructor(String.class).newInstance("WINCH");
            signal.getMethod("handle", signal, handler).invoke(null, winch, proxy);
        } catch (ReflectiveOperationException | IllegalArgumentException e) {
            System.getLogger("allod.cli").log(System.Logger.Level.DEBUG, "window changes cannot be followed", e);
        }
    }

    private static String stty(String... args) {
        String[] command = new String[args.length + 1];
        command[0] = "stty";
        System.arraycopy(args, 0, command, 1, args.length);
        try {
            Process process = new ProcessBuilder(command)
                    .redirectInput(ProcessBuilder.Redirect.INHERIT)
                    .redirectError(ProcessBuilder.Redirect.DISCARD)
                    .start();
            String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
            if (process.waitFor() != 0) {
                throw new FailedException("standard input is no terminal that stty can work on: leave out -t");
            }
            return out;
        } catch (IOException e) {
            throw new FailedException("running stty failed, which -t needs: " + e.getMessage(), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new FailedException("interrupted while setting the terminal", e);
        }
    }
}
