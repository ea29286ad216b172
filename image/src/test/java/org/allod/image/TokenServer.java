package org.allod.image;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.sun.net.httpserver.HttpServer;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.Signature;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** Hands out the tokens a registry with token authentication wants (as the big public ones do) to one user. */
final class TokenServer implements AutoCloseable {
    private static final String SERVICE = "test-registry";

    private final HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
    private final PrivateKey key;
    private final String certificate;
    final Path bundle;

    /** The scopes that tokens were given for. */
    final List<String> granted = new CopyOnWriteArrayList<>();

    TokenServer(Path folder, String pair) throws Exception {
        Files.createDirectories(folder);
        bundle = folder.resolve("cert.pem");
        Path keyFile = folder.resolve("key.der");
        MountedImage.run(
                "openssl",
                "req",
                "-x509",
                "-newkey",
                "rsa:2048",
                "-nodes",
                "-subj",
                "/CN=test",
                "-days",
                "2",
                "-keyout",
                folder.resolve("key.pem").toString(),
                "-out",
                bundle.toString());
        MountedImage.run(
                "openssl",
                "pkcs8",
                "-topk8",
                "-nocrypt",
                "-in",
                folder.resolve("key.pem").toString(),
                "-outform",
                "DER",
                "-out",
                keyFile.toString());
        key = KeyFactory.getInstance("RSA").generatePrivate(new PKCS8EncodedKeySpec(Files.readAllBytes(keyFile)));
        certificate = Files.readString(bundle).replaceAll("-----[A-Z ]+-----|\\s", "");
        String wanted = "Basic " + Base64.getEncoder().encodeToString(pair.getBytes(UTF_8));
        server.createContext("/token", exchange -> {
            String query = String.valueOf(exchange.getRequestURI().getQuery());
            byte[] answer;
            int status = 200;
            if (wanted.equals(exchange.getRequestHeaders().getFirst("Authorization"))) {
                String scope = query.replaceFirst(".*scope=([^&]*).*", "$1");
                granted.add(scope);
                answer = ("{\"token\":\"" + token(scope) + "\",\"expires_in\":300}").getBytes(UTF_8);
            } else {
                status = 401;
                answer = "{}".getBytes(UTF_8);
            }
            exchange.getResponseHeaders().add("Content-Type", "application/json");
            exchange.sendResponseHeaders(status, answer.length);
            exchange.getResponseBody().write(answer);
            exchange.close();
        });
        server.start();
    }

    /** The registry's configuration for it. */
    String configuration() {
        return "auth: {token: {realm: \"http://127.0.0.1:%d/token\", service: %s, issuer: test, rootcertbundle: %s}}%n"
                .formatted(server.getAddress().getPort(), SERVICE, bundle);
    }

    private String token(String scope) {
        String[] parts = scope.split(":");
        String actions = String.join("\",\"", parts[2].split(","));
        long now = System.currentTimeMillis() / 1000;
        String head = "{\"typ\":\"JWT\",\"alg\":\"RS256\",\"x5c\":[\"" + certificate + "\"]}";
        String claims =
                ("{\"iss\":\"test\",\"sub\":\"alice\",\"aud\":\"%s\",\"exp\":%d,\"nbf\":%d,\"iat\":%d,\"jti\":\"1\","
                                + "\"access\":[{\"type\":\"%s\",\"name\":\"%s\",\"actions\":[\"%s\"]}]}")
                        .formatted(SERVICE, now + 300, now - 10, now, parts[0], parts[1], actions);
        try {
            String signed = encode(head.getBytes(UTF_8)) + "." + encode(claims.getBytes(UTF_8));
            Signature signature = Signature.getInstance("SHA256withRSA");
            signature.initSign(key);
            signature.update(signed.getBytes(UTF_8));
            return signed + "." + encode(signature.sign());
        } catch (java.security.GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }

    private static String encode(byte[] bytes) {
        return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
    }

    @Override
    public void close() {
        server.stop(0);
    }
}
