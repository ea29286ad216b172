package org.allod.trust;

import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.MessageDigest;
import java.security.PrivateKey;
import java.security.Signature;
import java.security.interfaces.RSAPrivateCrtKey;
import java.security.interfaces.RSAPublicKey;
import java.security.spec.PKCS8EncodedKeySpec;
import java.security.spec.RSAPublicKeySpec;
import java.time.Duration;
import java.util.Base64;
import java.util.Optional;
import org.allod.base.Bug;
import org.allod.base.Clock;
import org.allod.base.IdGenerator;
import org.allod.store.Database;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * Proofs of a machine's identity for external services: OpenID Connect tokens (JWT, RS256, which every such service
 * supports), signed by a key of this host that is created for the first token and stored sealed.
 */
public final class OidcTokens {
    static final Duration LIVES = Duration.ofMinutes(10);
    private static final int BITS = 2048;
    private static final String NAME = "identity-key";

    private final Database database;
    private final AeadKey sealing;
    private final Clock clock;
    private final IdGenerator ids;
    private @Nullable Signer signer;

    OidcTokens(Database database, AeadKey hostKey, Clock clock, IdGenerator ids) {
        this.database = database;
        this.sealing = hostKey.derive("host-secrets");
        this.clock = clock;
        this.ids = ids;
    }

    private record Signer(String id, PrivateKey key, RSAPublicKey open) {}

    /**
     * Signs the claims, and adds the times and a unique token id.
     *
     * @param claims at least {@code iss}, {@code sub} and {@code aud}
     */
    public String token(ObjectNode claims) {
        Signer by = signer();
        long now = clock.wall().getEpochSecond();
        ObjectNode head = JsonNodeFactory.instance
                .objectNode()
                .put("alg", "RS256")
                .put("kid", by.id())
                .put("typ", "JWT");
        ObjectNode body = claims.deepCopy()
                .put("iat", now)
                .put("nbf", now)
                .put("exp", now + LIVES.toSeconds())
                .put("jti", ids.ulid().toString());
        String text = base64(head.toString().getBytes(StandardCharsets.UTF_8)) + "."
                + base64(body.toString().getBytes(StandardCharsets.UTF_8));
        try {
            Signature signature = Signature.getInstance("SHA256withRSA");
            signature.initSign(by.key());
            signature.update(text.getBytes(StandardCharsets.US_ASCII));
            return text + "." + base64(signature.sign());
        } catch (GeneralSecurityException e) {
            throw new Bug("this Java cannot sign with RSA", e);
        }
    }

    /** The public key as a JSON Web Key Set, which a service needs to verify a token. */
    public ObjectNode keys() {
        Signer by = signer();
        ObjectNode set = JsonNodeFactory.instance.objectNode();
        set.putArray("keys")
                .addObject()
                .put("kty", "RSA")
                .put("use", "sig")
                .put("alg", "RS256")
                .put("kid", by.id())
                .put("n", base64(unsigned(by.open().getModulus())))
                .put("e", base64(unsigned(by.open().getPublicExponent())));
        return set;
    }

    /** Reads the signing key; the first caller creates and stores it. */
    private synchronized Signer signer() {
        Signer known = signer;
        if (known != null) {
            return known;
        }
        Optional<byte[]> kept = database.read(
                tx -> tx.first("SELECT sealed FROM host_secret WHERE name = ?", row -> row.getBytes(1), NAME));
        byte[] encoded = kept.map(k -> sealing.open(k, BINDING)).orElseGet(this::make);
        signer = read(encoded);
        return signer;
    }

    private static final AssociatedData BINDING = new AssociatedData(NAME, "", "", 0);

    private byte[] make() {
        try {
            KeyPairGenerator generator = KeyPairGenerator.getInstance("RSA");
            generator.initialize(BITS);
            KeyPair pair = generator.generateKeyPair();
            byte[] encoded = pair.getPrivate().getEncoded();
            byte[] kept = sealing.seal(encoded, BINDING);
            // Durable before anything is signed: a key that a restart loses would invalidate tokens already issued.
            database.write(
                    tx -> tx.update("INSERT OR REPLACE INTO host_secret (name, sealed) VALUES (?, ?)", NAME, kept));
            return encoded;
        } catch (GeneralSecurityException e) {
            throw new Bug("this Java cannot make RSA keys", e);
        }
    }

    private static Signer read(byte[] encoded) {
        try {
            KeyFactory factory = KeyFactory.getInstance("RSA");
            RSAPrivateCrtKey key = (RSAPrivateCrtKey) factory.generatePrivate(new PKCS8EncodedKeySpec(encoded));
            RSAPublicKey open = (RSAPublicKey)
                    factory.generatePublic(new RSAPublicKeySpec(key.getModulus(), key.getPublicExponent()));
            byte[] digest = MessageDigest.getInstance("SHA-256").digest(open.getEncoded());
            return new Signer(base64(digest).substring(0, 16), key, open);
        } catch (GeneralSecurityException e) {
            throw new Bug("the key that signs identities opened and is not one", e);
        }
    }

    private static byte[] unsigned(BigInteger number) {
        byte[] bytes = number.toByteArray();
        return bytes[0] == 0 ? java.util.Arrays.copyOfRange(bytes, 1, bytes.length) : bytes;
    }

    private static String base64(byte[] bytes) {
        return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
    }
}
