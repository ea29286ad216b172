package org.allod.trust;

import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;
import org.allod.base.RejectedException;

/**
 * The type of a secret key. Names are those of Machines API clients; older ones, which send {@code
 * SECRET_TYPE_KMS_HS256}, are accepted too.
 */
public enum KeyType {
    /** HMAC with SHA-256. */
    HS256(Use.SIGN, 32),
    HS384(Use.SIGN, 48),
    HS512(Use.SIGN, 64),
    /** HMAC-SHA512 truncated to 256 bits: NaCl's {@code crypto_auth}. */
    NACL_AUTH(Use.SIGN, 32),
    /** Ed25519: NaCl's {@code crypto_sign}; the key is a seed of 32 bytes with or without its public half. */
    NACL_SIGN(Use.SIGN, 32),
    /** ECDSA on P-256 with SHA-256, in the JWT format; the key is PKCS #8. */
    ES256(Use.SIGN, 0),
    /** AES-256-GCM with 192-bit nonces, by the C2SP specification: any number of messages under random nonces. */
    XAES256GCM(Use.ENCRYPT, 32),
    /** XSalsa20-Poly1305: NaCl's {@code crypto_secretbox}, with the nonce before the box. */
    NACL_SECRETBOX(Use.ENCRYPT, NaclBox.KEY),
    /** NaCl's sealed box: anyone with the public half encrypts, and only this key decrypts. */
    NACL_BOX(Use.ENCRYPT, NaclBox.KEY);

    /** The operations a key supports. */
    enum Use {
        SIGN,
        ENCRYPT
    }

    final Use use;
    /** Size of the key; 0 if it has a format of its own. */
    final int bytes;

    KeyType(Use use, int bytes) {
        this.use = use;
        this.bytes = bytes;
    }

    /** The name on the wire. */
    public String wire() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** Parses a name, or one of the two uses, which selects the recommended type for it. */
    public static KeyType parse(String text) {
        String name = text.toLowerCase(Locale.ROOT).replaceFirst("^(secret_type_kms_|secretkey_type_)", "");
        Optional<KeyType> found = switch (name) {
            case "signing" -> Optional.of(NACL_AUTH);
            case "encrypting" -> Optional.of(XAES256GCM);
            default ->
                Arrays.stream(values()).filter(t -> t.wire().equals(name)).findFirst();
        };
        return found.orElseThrow(() -> RejectedException.because(
                RejectedException.Reason.INVALID,
                "type is \"%s\": allowed are %s"
                        .formatted(
                                text.length() > 40 ? text.substring(0, 40) : text,
                                String.join(
                                        ", ",
                                        Arrays.stream(values())
                                                .map(KeyType::wire)
                                                .toList())),
                "xaes256gcm, nacl_secretbox and nacl_box encrypt; the others sign"));
    }
}
