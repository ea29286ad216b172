package org.allod.trust;

import java.security.MessageDigest;
import java.util.Arrays;
import java.util.Optional;
import org.allod.base.Rng;
import org.bouncycastle.crypto.digests.Blake2bDigest;
import org.bouncycastle.crypto.engines.Salsa20Engine;
import org.bouncycastle.crypto.engines.XSalsa20Engine;
import org.bouncycastle.crypto.macs.Poly1305;
import org.bouncycastle.crypto.params.KeyParameter;
import org.bouncycastle.crypto.params.ParametersWithIV;
import org.bouncycastle.math.ec.rfc7748.X25519;
import org.bouncycastle.util.Pack;

/**
 * NaCl's boxes, compatible with libsodium: XSalsa20 with Poly1305, under a given key ({@code crypto_secretbox}) or an
 * agreed one ({@code crypto_box_seal}: to a public key, from an ephemeral key pair for each message). The primitives
 * are Bouncy Castle's; their composition is here and is tested with NaCl's own vectors.
 *
 * @see <a href="https://cr.yp.to/highspeed/naclcrypto-20090310.pdf">Cryptography in NaCl</a>
 */
final class NaclBox {
    static final int KEY = 32;
    private static final int NONCE = 24;
    private static final int TAG = 16;

    /** Salsa20's constant, "expand 32-byte k", as four words at their places in the state. */
    private static final int[] CONSTANTS = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};

    private NaclBox() {}

    /** The nonce followed by the box, as in {@code SecretBox} of most libraries. */
    static byte[] seal(byte[] key, byte[] plain) {
        return seal(key, Rng.secret(NONCE), plain);
    }

    static byte[] seal(byte[] key, byte[] nonce, byte[] plain) {
        byte[] sealed = Arrays.copyOf(nonce, NONCE + TAG + plain.length);
        box(key, nonce, plain, sealed, NONCE);
        return sealed;
    }

    /** Empty if this key did not make it. */
    static Optional<byte[]> open(byte[] key, byte[] sealed) {
        return sealed.length < NONCE + TAG ? Optional.empty() : unbox(key, Arrays.copyOf(sealed, NONCE), sealed, NONCE);
    }

    /** The public half of a box key. */
    static byte[] publicHalf(byte[] secret) {
        byte[] open = new byte[KEY];
        X25519.scalarMultBase(secret, 0, open, 0);
        return open;
    }

    /** Seals to the owner of this public key: an ephemeral public key followed by the box. */
    static byte[] sealTo(byte[] receiver, byte[] plain) {
        return sealTo(receiver, Rng.secret(KEY), plain);
    }

    static byte[] sealTo(byte[] receiver, byte[] once, byte[] plain) {
        byte[] sender = publicHalf(once);
        byte[] sealed = Arrays.copyOf(sender, KEY + TAG + plain.length);
        byte[] key = sharedKey(once, receiver)
                .orElseThrow(() -> new IllegalArgumentException("a public key that agrees on nothing"));
        box(key, nonce(sender, receiver), plain, sealed, KEY);
        return sealed;
    }

    /** Empty if it was not sealed to this key's public half. */
    static Optional<byte[]> openSealed(byte[] secret, byte[] receiver, byte[] sealed) {
        if (sealed.length < KEY + TAG) {
            return Optional.empty();
        }
        byte[] sender = Arrays.copyOf(sealed, KEY);
        return sharedKey(secret, sender).flatMap(key -> unbox(key, nonce(sender, receiver), sealed, KEY));
    }

    /** {@code crypto_box_beforenm}: empty for the few public keys that agree on zero with every key. */
    static Optional<byte[]> sharedKey(byte[] secret, byte[] open) {
        byte[] shared = new byte[KEY];
        return X25519.calculateAgreement(secret, 0, open, 0, shared, 0)
                ? Optional.of(hsalsa(shared))
                : Optional.empty();
    }

    /**
     * HSalsa20 of a key and sixteen zeros: the core without the final addition, of which eight words are the result.
     */
    private static byte[] hsalsa(byte[] key) {
        int[] in = new int[16];
        for (int i = 0; i < 4; i++) {
            in[5 * i] = CONSTANTS[i];
        }
        Pack.littleEndianToInt(key, 0, in, 1, 4);
        Pack.littleEndianToInt(key, 16, in, 11, 4);
        int[] out = new int[16];
        Salsa20Engine.salsaCore(20, in, out);
        byte[] made = new byte[KEY];
        int[] words = {0, 5, 10, 15, 6, 7, 8, 9};
        for (int i = 0; i < words.length; i++) {
            Pack.intToLittleEndian(out[words[i]] - in[words[i]], made, 4 * i);
        }
        return made;
    }

    /** The nonce of a sealed box: derived from the keys, because the sender's key is used only once. */
    private static byte[] nonce(byte[] sender, byte[] receiver) {
        Blake2bDigest digest = new Blake2bDigest(8 * NONCE);
        digest.update(sender, 0, KEY);
        digest.update(receiver, 0, KEY);
        byte[] nonce = new byte[NONCE];
        digest.doFinal(nonce, 0);
        return nonce;
    }

    /** Writes the tag followed by the ciphertext. */
    private static void box(byte[] key, byte[] nonce, byte[] plain, byte[] into, int at) {
        XSalsa20Engine stream = stream(key, nonce);
        Poly1305 tag = new Poly1305();
        tag.init(first(stream));
        stream.processBytes(plain, 0, plain.length, into, at + TAG);
        tag.update(into, at + TAG, plain.length);
        tag.doFinal(into, at);
    }

    private static Optional<byte[]> unbox(byte[] key, byte[] nonce, byte[] sealed, int at) {
        XSalsa20Engine stream = stream(key, nonce);
        Poly1305 tag = new Poly1305();
        tag.init(first(stream));
        int length = sealed.length - at - TAG;
        tag.update(sealed, at + TAG, length);
        byte[] right = new byte[TAG];
        tag.doFinal(right, 0);
        if (!MessageDigest.isEqual(right, Arrays.copyOfRange(sealed, at, at + TAG))) {
            return Optional.empty();
        }
        byte[] plain = new byte[length];
        stream.processBytes(sealed, at + TAG, length, plain, 0);
        return Optional.of(plain);
    }

    private static XSalsa20Engine stream(byte[] key, byte[] nonce) {
        XSalsa20Engine stream = new XSalsa20Engine();
        stream.init(true, new ParametersWithIV(new KeyParameter(key), nonce));
        return stream;
    }

    /** The first bytes of the stream are the tag's key. */
    private static KeyParameter first(XSalsa20Engine stream) {
        byte[] key = new byte[KEY];
        stream.processBytes(new byte[KEY], 0, KEY, key, 0);
        return new KeyParameter(key);
    }
}
