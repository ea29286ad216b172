package org.allod.trust;

import java.security.GeneralSecurityException;
import java.security.InvalidKeyException;
import java.security.KeyFactory;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.MessageDigest;
import java.security.PrivateKey;
import java.security.Signature;
import java.security.SignatureException;
import java.security.spec.ECGenParameterSpec;
import java.security.spec.InvalidKeySpecException;
import java.security.spec.PKCS8EncodedKeySpec;
import java.security.spec.X509EncodedKeySpec;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Optional;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.allod.base.Bug;
import org.allod.base.RejectedException;
import org.allod.base.Rng;

/**
 * The operations of each key type, with the JDK's implementations. A key pair is stored as its private half in PKCS #8
 * and its public half beside it, because the JDK does not compute one from the other.
 */
final class KeyOperations {
    /** The bytes before the 32 bytes of an Ed25519 key: PKCS #8 of a seed, and X.509 of a public key (RFC 8410). */
    private static final byte[] SEED_HEAD = HexFormat.of().parseHex("302e020100300506032b657004220420");

    private static final byte[] OPEN_HEAD = HexFormat.of().parseHex("302a300506032b6570032100");

    private KeyOperations() {}

    /**
     * A key in its stored form.
     *
     * @param open its public half: raw for Ed25519, X.509 for ECDSA; empty if it has none
     */
    record Key(byte[] secret, byte[] open) {
        @Override
        public String toString() {
            return "Key[hidden]";
        }
    }

    static Key generate(KeyType type) {
        try {
            return switch (type) {
                case NACL_SIGN -> {
                    KeyPair pair = KeyPairGenerator.getInstance("Ed25519").generateKeyPair();
                    byte[] open = pair.getPublic().getEncoded();
                    yield new Key(
                            pair.getPrivate().getEncoded(), Arrays.copyOfRange(open, OPEN_HEAD.length, open.length));
                }
                case ES256 -> {
                    KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
                    generator.initialize(new ECGenParameterSpec("secp256r1"));
                    KeyPair pair = generator.generateKeyPair();
                    yield new Key(
                            pair.getPrivate().getEncoded(), pair.getPublic().getEncoded());
                }
                case HS256, HS384, HS512, NACL_AUTH, XAES256GCM, NACL_SECRETBOX ->
                    new Key(Rng.secret(type.bytes), new byte[0]);
                case NACL_BOX -> pair(Rng.secret(type.bytes));
            };
        } catch (GeneralSecurityException e) {
            throw new Bug("this Java cannot make keys of type " + type.wire(), e);
        }
    }

    /** Imports an uploaded key. Key pairs must be complete, because their halves are not derived here. */
    static Key bring(KeyType type, byte[] value) {
        return switch (type) {
            case NACL_SIGN -> {
                if (value.length != 64) {
                    throw wrong(type, "64 bytes: the seed and its public half");
                }
                byte[] secret = join(SEED_HEAD, Arrays.copyOf(value, 32));
                Key key = new Key(secret, Arrays.copyOfRange(value, 32, 64));
                byte[] probe = Rng.secret(16);
                if (!verify(type, key, probe, sign(type, key, probe))) {
                    throw wrong(type, "a seed and the public half that belongs to it");
                }
                yield key;
            }
            case ES256 ->
                throw RejectedException.because(
                        RejectedException.Reason.UNSUPPORTED,
                        "a key of type es256 cannot be uploaded",
                        "generate one: POST …/secretkeys/NAME/generate");
            case HS256, HS384, HS512 -> {
                if (value.length < 16 || value.length > 1_024) {
                    throw wrong(type, "16 to 1024 bytes");
                }
                yield new Key(value.clone(), new byte[0]);
            }
            case NACL_AUTH, XAES256GCM, NACL_SECRETBOX, NACL_BOX -> {
                if (value.length != type.bytes) {
                    throw wrong(type, type.bytes + " bytes");
                }
                yield type == KeyType.NACL_BOX ? pair(value) : new Key(value.clone(), new byte[0]);
            }
        };
    }

    private static Key pair(byte[] secret) {
        return new Key(secret.clone(), NaclBox.publicHalf(secret));
    }

    private static RejectedException wrong(KeyType type, String form) {
        return RejectedException.invalid("value: a key of type %s is %s".formatted(type.wire(), form));
    }

    static byte[] sign(KeyType type, Key key, byte[] text) {
        try {
            return switch (type) {
                case HS256 -> mac("HmacSHA256", key, text);
                case HS384 -> mac("HmacSHA384", key, text);
                case HS512 -> mac("HmacSHA512", key, text);
                case NACL_AUTH -> Arrays.copyOf(mac("HmacSHA512", key, text), 32);
                case NACL_SIGN, ES256 -> {
                    Signature signature = Signature.getInstance(algorithm(type));
                    signature.initSign(secret(type, key));
                    signature.update(text);
                    yield signature.sign();
                }
                case XAES256GCM, NACL_SECRETBOX, NACL_BOX -> throw cannot(type, "sign");
            };
        } catch (GeneralSecurityException e) {
            throw new Bug("this Java cannot sign with " + type.wire(), e);
        }
    }

    static boolean verify(KeyType type, Key key, byte[] text, byte[] given) {
        try {
            return switch (type) {
                case HS256, HS384, HS512, NACL_AUTH -> MessageDigest.isEqual(sign(type, key, text), given);
                case NACL_SIGN, ES256 -> {
                    Signature signature = Signature.getInstance(algorithm(type));
                    byte[] open = type == KeyType.NACL_SIGN ? join(OPEN_HEAD, key.open()) : key.open();
                    signature.initVerify(
                            KeyFactory.getInstance(family(type)).generatePublic(new X509EncodedKeySpec(open)));
                    signature.update(text);
                    yield verified(signature, given);
                }
                case XAES256GCM, NACL_SECRETBOX, NACL_BOX -> throw cannot(type, "verify");
            };
        } catch (InvalidKeyException | InvalidKeySpecException e) {
            return false; // an uploaded public half that is on no curve
        } catch (GeneralSecurityException e) {
            throw new Bug("this Java cannot verify with " + type.wire(), e);
        }
    }

    /** A malformed signature counts as an invalid one. */
    private static boolean verified(Signature signature, byte[] given) {
        try {
            return signature.verify(given);
        } catch (SignatureException e) {
            return false;
        }
    }

    static byte[] encrypt(KeyType type, Key key, byte[] plain, byte[] associated) {
        return switch (type) {
            case XAES256GCM -> XaesGcm.seal(key.secret(), plain, associated);
            case NACL_SECRETBOX -> NaclBox.seal(key.secret(), withoutAssociatedData(type, plain, associated));
            case NACL_BOX -> NaclBox.sealTo(key.open(), withoutAssociatedData(type, plain, associated));
            case HS256, HS384, HS512, NACL_AUTH, NACL_SIGN, ES256 -> throw cannot(type, "encrypt");
        };
    }

    static Optional<byte[]> decrypt(KeyType type, Key key, byte[] sealed, byte[] associated) {
        return switch (type) {
            case XAES256GCM -> XaesGcm.open(key.secret(), sealed, associated);
            case NACL_SECRETBOX -> NaclBox.open(key.secret(), withoutAssociatedData(type, sealed, associated));
            case NACL_BOX ->
                NaclBox.openSealed(key.secret(), key.open(), withoutAssociatedData(type, sealed, associated));
            case HS256, HS384, HS512, NACL_AUTH, NACL_SIGN, ES256 -> throw cannot(type, "decrypt");
        };
    }

    /** Refuses associated data, which NaCl's box cannot authenticate; ignoring it silently would be unsafe. */
    private static byte[] withoutAssociatedData(KeyType type, byte[] text, byte[] associated) {
        if (associated.length > 0) {
            throw RejectedException.because(
                    RejectedException.Reason.INVALID,
                    "associated_data is not supported for %s keys".formatted(type.wire()),
                    "omit it, or use a key of type xaes256gcm");
        }
        return text;
    }

    private static RejectedException cannot(KeyType type, String what) {
        return RejectedException.because(
                RejectedException.Reason.INVALID,
                "a key of type %s cannot %s".formatted(type.wire(), what),
                type.use == KeyType.Use.SIGN ? "it signs and verifies" : "it encrypts and decrypts");
    }

    private static String algorithm(KeyType type) {
        // The JWT format: the two numbers concatenated, not in ASN.1.
        return type == KeyType.ES256 ? "SHA256withECDSAinP1363Format" : "Ed25519";
    }

    private static String family(KeyType type) {
        return type == KeyType.ES256 ? "EC" : "Ed25519";
    }

    private static PrivateKey secret(KeyType type, Key key) throws GeneralSecurityException {
        return KeyFactory.getInstance(family(type)).generatePrivate(new PKCS8EncodedKeySpec(key.secret()));
    }

    private static byte[] mac(String algorithm, Key key, byte[] text) throws GeneralSecurityException {
        Mac mac = Mac.getInstance(algorithm);
        mac.init(new SecretKeySpec(key.secret(), algorithm));
        return mac.doFinal(text);
    }

    private static byte[] join(byte[] a, byte[] b) {
        byte[] both = Arrays.copyOf(a, a.length + b.length);
        System.arraycopy(b, 0, both, a.length, b.length);
        return both;
    }
}
