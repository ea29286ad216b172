package org.allod.trust;

import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.Certificate;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;

/** A certificate authority made with the JDK's own keytool, and what it signs. */
final class TestAuthority {
    private static final String PASSWORD = "only-for-tests";

    private final Path folder;

    TestAuthority(Path folder) throws Exception {
        this.folder = folder;
        keytool("-genkeypair", "-alias", "ca", "-keyalg", "EC", "-dname", "CN=Test Authority", "-ext", "bc:c");
    }

    /** A certificate's chain and key, in PEM. */
    record Issued(String chain, String key, PrivateKey secret) {}

    /**
     * @param start as keytool writes it, such as {@code -2d}
     */
    Issued issue(String alias, String algorithm, String names, String start, int days) throws Exception {
        List<String> size = algorithm.equals("RSA") ? List.of("-keysize", "2048") : List.of();
        List<String> make =
                new ArrayList<>(List.of("-genkeypair", "-alias", alias, "-keyalg", algorithm, "-dname", "CN=" + alias));
        make.addAll(size);
        make.addAll(List.of("-signer", "ca", "-ext", "san=" + names));
        make.addAll(List.of("-startdate", start, "-validity", "" + days));
        keytool(make.toArray(String[]::new));
        KeyStore store = KeyStore.getInstance("PKCS12");
        try (InputStream in = Files.newInputStream(folder.resolve("store.p12"))) {
            store.load(in, PASSWORD.toCharArray());
        }
        StringBuilder chain = new StringBuilder();
        for (Certificate one : store.getCertificateChain(alias)) {
            chain.append(pem("CERTIFICATE", one.getEncoded()));
        }
        PrivateKey key = (PrivateKey) store.getKey(alias, PASSWORD.toCharArray());
        return new Issued(chain.toString(), pem("PRIVATE KEY", key.getEncoded()), key);
    }

    static String pem(String kind, byte[] der) {
        return "-----BEGIN " + kind + "-----\n"
                + Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(der) + "\n-----END " + kind + "-----\n";
    }

    /** The older form of a key: what PKCS #8 has in its last part. */
    static byte[] inner(PrivateKey key) {
        byte[] der = key.getEncoded();
        int at = next(der, 0)[0]; // into the sequence
        at = next(der, at)[1]; // over the version
        at = next(der, at)[1]; // over the algorithm
        int[] octets = next(der, at);
        return java.util.Arrays.copyOfRange(der, octets[0], octets[1]);
    }

    /** Where the content of the value here begins, and where it ends. */
    private static int[] next(byte[] der, int at) {
        int length = der[at + 1] & 0xff;
        int begin = at + 2;
        if (length > 127) {
            int bytes = length & 0x7f;
            length = 0;
            for (int i = 0; i < bytes; i++) {
                length = length << 8 | der[begin++] & 0xff;
            }
        }
        return new int[] {begin, begin + length};
    }

    private void keytool(String... words) throws Exception {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "keytool").toString());
        command.addAll(List.of(words));
        command.addAll(List.of(
                "-keystore", folder.resolve("store.p12").toString(), "-storetype", "PKCS12", "-storepass", PASSWORD));
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String said = new String(process.getInputStream().readAllBytes());
        if (process.waitFor() != 0) {
            throw new AssertionError(command + ": " + said);
        }
    }
}
