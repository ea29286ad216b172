package org.allod.api;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.util.Base64;
import java.util.Optional;
import org.allod.base.FailedException;
import org.allod.base.Rng;

/** The token of this host's operator. Kept in a file that only root can read; compared in constant time. */
public final class OperatorToken implements Authenticator {
    private static final String PREFIX = "allod_";

    private final String token;

    private OperatorToken(String token) {
        this.token = token;
    }

    /** Reads the token from {@code file}, or creates it there. */
    public static OperatorToken at(Path file) {
        try {
            if (Files.exists(file)) {
                return new OperatorToken(Files.readString(file).strip());
            }
            String fresh = PREFIX + Base64.getUrlEncoder().withoutPadding().encodeToString(Rng.secret(32));
            Path staged = file.resolveSibling(file.getFileName() + ".new");
            Files.deleteIfExists(staged);
            Files.createFile(
                    staged, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
            Files.writeString(staged, fresh + "\n");
            Files.move(staged, file, StandardCopyOption.ATOMIC_MOVE);
            return new OperatorToken(fresh);
        } catch (IOException e) {
            throw new FailedException("cannot read or make the operator's token at " + file + ": " + e.getMessage(), e);
        }
    }

    /** The token itself; only for the operator. */
    public String reveal() {
        return token;
    }

    @Override
    public Optional<Caller> authenticate(String authorization, String address) {
        boolean any = false;
        for (String one : Authenticator.tokens(authorization)) {
            any |= MessageDigest.isEqual(bytes(one), bytes(token));
        }
        return any ? Optional.of(new Caller.Operator(address)) : Optional.empty();
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    @Override
    public String toString() {
        return "OperatorToken[hidden]";
    }
}
