package org.allod.trust;

import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;
import org.allod.base.RejectedException;

/**
 * What a secret key is for and how it works. Names as clients of the Machines API write them; those of older ones, which
 * write {@code SECRET_TYPE_KMS_HS256}, are understood too.
 */
public enum KeyType {
    /** HMAC with SHA-256. */
    HS256(Use.SIGN, 32),
    HS384(Use.SIGN, 48),
    HS512(Use.SIGN, 64),
    /** HMAC-SHA512 cut to 256 bits: NaCl's {@code crypto_auth}. */
    NACL_AUTH(Use.SIGN, 32),
    /** Ed25519: NaCl's {@code crypto_sign}, whose key is a seed of 32 bytes with or without its public half. */
    NACL_SIGN(Use.SIGN, 32),
    /** ECDSA on P-256 with SHA-256, as JWTs have it; the key is PKCS #8. */
    ES256(Use.SIGN, 0),
    /** AES-256-GCM with 192-bit nonces, of the C2SP specification: any number of messages under random nonces. */
    XAES256GCM(Use.ENCRYPT, 32),
    /** XSalsa20-Poly1305: NaCl's {@code crypto_secretbox}, the nonce before the box. */
    NACL_SECRETBOX(Use.ENCRYPT, NaclBox.KEY),
    /** NaCl's sealed box: whoever has the public half encrypts, and only this key decrypts. */
    NACL_BOX(Use.ENCRYPT, NaclBox.KEY);

    /** What may be asked of a key. */
    enum Use {
        SIGN,
        ENCRYPT
    }

    final Use use;
    /** Of the key itself; 0 where it has a form of its own. */
    final int bytes;

    KeyType(Use use, int bytes) {
        this.use = use;
        this.bytes = bytes;
    }

    /** As it is written. */
    public String wire() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** Reads a name, or one of the two uses, which stands for the type we think best for it. */
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
