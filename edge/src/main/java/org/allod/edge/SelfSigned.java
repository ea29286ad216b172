package org.allod.edge;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.allod.base.FailedException;
import org.jspecify.annotations.Nullable;

/**
 * A self-signed certificate for every name under the edge's domain: clients warn that no authority vouches for it, but
 * traffic is encrypted. Made with the JDK's keytool, because the JDK has no public API for it; kept in one file that
 * only its owner can read.
 */
public final class SelfSigned implements EdgeCertificates {
    private static final String ALIAS = "edge";
    /** The password that the file format requires; the file itself is readable by root only. */
    private static final char[] WORD = "allod-edge".toCharArray();

    private static final int DAYS = 825;

    private final Path file;
    private final String domain;
    private final int days;
    private volatile @Nullable Identity identity;

    /**
     * Provides no certificate before {@link #ensure}.
     *
     * @param file where it is kept
     */
    public SelfSigned(Path file, String domain) {
        this(file, domain, DAYS);
    }

    SelfSigned(Path file, String domain, int days) {
        this.file = file;
        this.domain = domain;
        this.days = days;
    }

    /** Whether the certificate has been read or made. */
    public boolean ready() {
        return identity != null;
    }

    /** Reads the certificate, or makes it if the file does not exist: that blocks for about a second. */
    public synchronized void ensure() {
        if (identity != null) {
            return;
        }
        try {
            if (!Files.exists(file)) {
                make();
            }
            KeyStore store = KeyStore.getInstance("PKCS12");
            try (InputStream in = Files.newInputStream(file)) {
                store.load(in, WORD);
            }
            identity = new Identity(
                    (PrivateKey) store.getKey(ALIAS, WORD), List.of((X509Certificate) store.getCertificate(ALIAS)));
        } catch (IOException | GeneralSecurityException e) {
            throw new FailedException(
                    "cannot read the edge's own certificate from " + file + ": " + e.getMessage()
                            + " (delete the file to have a new one made)",
                    e);
        }
    }

    private void make() throws IOException {
        Path half = file.resolveSibling(file.getFileName() + ".new");
        Files.deleteIfExists(half);
        List<String> line = List.of(
                Path.of(System.getProperty("java.home"), "bin", "keytool").toString(),
                "-genkeypair",
                "-alias",
                ALIAS,
                "-keyalg",
                "EC",
                "-groupname",
                "secp256r1",
                "-dname",
                "CN=Allod edge " + domain,
                "-ext",
                "san=dns:*." + domain + ",dns:" + domain,
                "-validity",
                "" + days,
                "-storetype",
                "PKCS12",
                "-keystore",
                half.toString(),
                "-storepass",
                new String(WORD));
        Process process = new ProcessBuilder(line)
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start();
        try {
            if (!process.waitFor(60, TimeUnit.SECONDS) || process.exitValue() != 0) {
                process.destroyForcibly();
                throw new IOException("keytool did not make it");
            }
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        }
        Files.setPosixFilePermissions(half, java.nio.file.attribute.PosixFilePermissions.fromString("rw-------"));
        Files.move(half, file, java.nio.file.StandardCopyOption.ATOMIC_MOVE);
    }

    @Override
    public Optional<Identity> of(String host) {
        return Optional.ofNullable(identity);
    }
}
