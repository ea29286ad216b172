package org.allod.trust;

import java.security.GeneralSecurityException;
import java.util.Arrays;
import java.util.Optional;
import javax.crypto.AEADBadTagException;
import javax.crypto.Cipher;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.SecretKeySpec;
import org.allod.base.Bug;
import org.allod.base.Rng;

/**
 * XAES-256-GCM: derives a key for each message from the first half of a 24-byte nonce, and runs AES-256-GCM under it
 * with the other half. Costs two AES blocks more than plain GCM, and random nonces are never exhausted.
 *
 * @see <a href="https://c2sp.org/XAES-256-GCM">the specification</a>, whose vectors its test uses
 */
final class XaesGcm {
    private static final int NONCE = 24;
    private static final int HALF = 12;
    private static final int TAG_BITS = 128;

    private XaesGcm() {}

    /** The nonce followed by the sealed message. */
    static byte[] seal(byte[] key, byte[] plain, byte[] associated) {
        return seal(key, Rng.secret(NONCE), plain, associated);
    }

    static byte[] seal(byte[] key, byte[] nonce, byte[] plain, byte[] associated) {
        try {
            byte[] out = cipher(Cipher.ENCRYPT_MODE, key, nonce, associated).doFinal(plain);
            byte[] sealed = Arrays.copyOf(nonce, NONCE + out.length);
            System.arraycopy(out, 0, sealed, NONCE, out.length);
            return sealed;
        } catch (GeneralSecurityException e) {
            throw new Bug("this Java cannot encrypt with AES", e);
        }
    }

    /** Empty if this key did not seal it with this associated data. */
    static Optional<byte[]> open(byte[] key, byte[] sealed, byte[] associated) {
        if (sealed.length < NONCE + TAG_BITS / 8) {
            return Optional.empty();
        }
        try {
            Cipher cipher = cipher(Cipher.DECRYPT_MODE, key, Arrays.copyOf(sealed, NONCE), associated);
            return Optional.of(cipher.doFinal(sealed, NONCE, sealed.length - NONCE));
        } catch (AEADBadTagException e) {
            return Optional.empty();
        } catch (GeneralSecurityException e) {
            throw new Bug("this Java cannot decrypt with AES", e);
        }
    }

    private static Cipher cipher(int mode, byte[] key, byte[] nonce, byte[] associated)
            throws GeneralSecurityException {
        Cipher block = Cipher.getInstance("AES/ECB/NoPadding");
        block.init(Cipher.ENCRYPT_MODE, new SecretKeySpec(key, "AES"));
        // CMAC's first subkey; the input is one whole block, so each half of the derived key is one AES of one XOR.
        byte[] subkey = doubleBlock(block.doFinal(new byte[16]));
        byte[] derived = new byte[32];
        for (int half = 1; half <= 2; half++) {
            byte[] in = new byte[16];
            in[1] = (byte) half;
            in[2] = 'X';
            System.arraycopy(nonce, 0, in, 4, HALF);
            for (int i = 0; i < in.length; i++) {
                in[i] ^= subkey[i];
            }
            System.arraycopy(block.doFinal(in), 0, derived, (half - 1) * 16, 16);
        }
        Cipher gcm = Cipher.getInstance("AES/GCM/NoPadding");
        gcm.init(mode, new SecretKeySpec(derived, "AES"), new GCMParameterSpec(TAG_BITS, nonce, HALF, HALF));
        gcm.updateAAD(associated);
        return gcm;
    }

    /** Multiplication by x in GF(2^128). */
    private static byte[] doubleBlock(byte[] block) {
        byte[] out = new byte[block.length];
        int carry = 0;
        for (int i = block.length - 1; i >= 0; i--) {
            int value = block[i] & 0xff;
            out[i] = (byte) (value << 1 | carry);
            carry = value >>> 7;
        }
        out[block.length - 1] ^= (byte) (carry * 0x87);
        return out;
    }
}
