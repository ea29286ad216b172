package org.allod.image;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.allod.base.FailedException;

/**
 * Runs one of Docker's credential helpers: a program that reads a server's name from standard input and prints the
 * credentials.
 */
final class CredentialHelper {
    private static final int SECONDS = 30;
    private static final int LARGEST = 64 << 10;

    private CredentialHelper() {}

    /** The credentials, or empty if the helper has none. */
    static Optional<byte[]> ask(Path program, String server) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(program.toString(), "get")
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        try {
            CompletableFuture<byte[]> answer = new CompletableFuture<>();
            Thread.ofVirtual().name("output of " + program.getFileName()).start(() -> {
                try {
                    answer.complete(process.getInputStream().readNBytes(LARGEST));
                } catch (IOException e) {
                    answer.complete(new byte[0]);
                }
            });
            try (OutputStream in = process.getOutputStream()) {
                in.write(server.getBytes(StandardCharsets.UTF_8));
            }
            if (!process.waitFor(SECONDS, TimeUnit.SECONDS)) {
                throw new FailedException(program + " did not answer within " + SECONDS + " s and was killed");
            }
            // The protocol has one exit code for "no such server" and for every other failure.
            return process.exitValue() == 0 ? Optional.of(answer.join()) : Optional.empty();
        } finally {
            process.destroyForcibly();
        }
    }
}
