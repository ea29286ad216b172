package org.allod.host;

import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.allod.soak.Scratch;
import tools.jackson.databind.node.ObjectNode;

/**
 * A certificate that signed itself, made with the JDK's own keytool: good enough to be kept, since who trusts it is not
 * the host's question.
 */
record TestCertificate(String host, String chain, String key) {
    private static final String PASSWORD = "only-for-tests";

    static TestCertificate of(String host) throws Exception {
        Path store = Scratch.folder("allod-certificate").resolve("store.p12");
        Process keytool = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "keytool")
                                .toString(),
                        "-genkeypair",
                        "-alias",
                        "own",
                        "-keyalg",
                        "EC",
                        "-dname",
                        "CN=" + host,
                        "-ext",
                        "san=dns:" + host,
                        "-validity",
                        "2",
                        "-keystore",
                        store.toString(),
                        "-storetype",
                        "PKCS12",
                        "-storepass",
                        PASSWORD)
                .redirectErrorStream(true)
                .start();
        String said = new String(keytool.getInputStream().readAllBytes());
        if (!keytool.waitFor(30, TimeUnit.SECONDS) || keytool.exitValue() != 0) {
            throw new AssertionError("keytool: " + said);
        }
        KeyStore kept = KeyStore.getInstance("PKCS12");
        try (InputStream in = Files.newInputStream(store)) {
            kept.load(in, PASSWORD.toCharArray());
        }
        return new TestCertificate(
                host,
                pem("CERTIFICATE", kept.getCertificate("own").getEncoded()),
                pem("PRIVATE KEY", kept.getKey("own", PASSWORD.toCharArray()).getEncoded()));
    }

    /** What brings it to an app. */
    String body() {
        ObjectNode body = DaemonProcess.JSON.createObjectNode();
        return body.put("hostname", host)
                .put("fullchain", chain)
                .put("private_key", key)
                .toString();
    }

    private static String pem(String kind, byte[] der) {
        String text = Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(der);
        return String.join("\n", List.of("-----BEGIN " + kind + "-----", text, "-----END " + kind + "-----", ""));
    }
}
