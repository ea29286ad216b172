package org.allod.trust;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.util.Arrays;
import javax.crypto.AEADBadTagException;
import javax.crypto.Cipher;
import javax.crypto.KDF;
import javax.crypto.Mac;
import javax.crypto.SecretKey;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.HKDFParameterSpec;
import javax.crypto.spec.SecretKeySpec;
import org.allod.base.Bug;
import org.allod.base.FailedException;
import org.allod.base.Rng;

/**
 * A 256-bit key that seals and opens values, and derives keys for other purposes. A sealed value is one format byte, 12
 * random bytes and the output of AES-256-GCM. Random nonces are safe here, because a key seals far fewer than the 2^32
 * values at which a collision becomes likely.
 */
final class AeadKey {
    static final int BYTES = 32;
    private static final byte FORMAT = 1;
    private static final int NONCE = 12;
    private static final int TAG_BITS = 128;

    private final byte[] key;

    private AeadKey(byte[] key) {
        this.key = key;
    }

    static AeadKey of(byte[] bytes) {
        if (bytes.length != BYTES) {
            throw new Bug("a key of " + bytes.length + " bytes");
        }
        return new AeadKey(bytes.clone());
    }

    static AeadKey random() {
        return new AeadKey(Rng.secret(BYTES));
    }

    byte[] seal(byte[] plain, AssociatedData binding) {
        try {
            byte[] nonce = Rng.secret(NONCE);
            byte[] out = cipher(Cipher.ENCRYPT_MODE, nonce, binding).doFinal(plain);
            return ByteBuffer.allocate(1 + NONCE + out.length)
                    .put(FORMAT)
                    .put(nonce)
                    .put(out)
                    .array();
        } catch (GeneralSecurityException e) {
            throw new Bug("this Java cannot seal with AES-GCM", e);
        }
    }

    /** @throws FailedException if it was sealed under another key or for another place, or was modified */
    byte[] open(byte[] sealed, AssociatedData binding) {
        if (sealed.length < 1 + NONCE || sealed[0] != FORMAT) {
            throw damaged(binding);
        }
        try {
            byte[] nonce = Arrays.copyOfRange(sealed, 1, 1 + NONCE);
            return cipher(Cipher.DECRYPT_MODE, nonce, binding).doFinal(sealed, 1 + NONCE, sealed.length - 1 - NONCE);
        } catch (AEADBadTagException e) {
            throw damaged(binding);
        } catch (GeneralSecurityException e) {
            throw new Bug("this Java cannot open what AES-GCM sealed", e);
        }
    }

    private static FailedException damaged(AssociatedData binding) {
        return new FailedException(
                "the stored " + binding + " does not open: its row was damaged, or put here from another "
                        + "place; set it again, or restore host.db together with its host key");
    }

    private Cipher cipher(int mode, byte[] nonce, AssociatedData binding) throws GeneralSecurityException {
        Cipher cipher = Cipher.getInstance("AES/GCM/NoPadding");
        cipher.init(mode, new SecretKeySpec(key, "AES"), new GCMParameterSpec(TAG_BITS, nonce));
        cipher.updateAAD(binding.bytes());
        return cipher;
    }

    /**
     * Derives an independent key for one purpose (HKDF-SHA256): the same key and purpose always give the same result.
     */
    AeadKey derive(String purpose) {
        try {
            SecretKey derived = KDF.getInstance("HKDF-SHA256")
                    .deriveKey(
                            "Generic",
                            HKDFParameterSpec.expandOnly(
                                    new SecretKeySpec(key, "Generic"),
                                    ("allod/" + purpose).getBytes(StandardCharsets.UTF_8),
                                    BYTES));
            return new AeadKey(derived.getEncoded());
        } catch (GeneralSecurityException e) {
            throw new Bug("this Java has no HKDF", e);
        }
    }

    /** HMAC-SHA256 of the parts, each preceded by its length. */
    byte[] mac(byte[]... parts) {
        try {
            Mac mac = Mac.getInstance("HmacSHA256");
            mac.init(new SecretKeySpec(key, "HmacSHA256"));
            for (byte[] part : parts) {
                mac.update(ByteBuffer.allocate(4).putInt(part.length).array());
                mac.update(part);
            }
            return mac.doFinal();
        } catch (GeneralSecurityException e) {
            throw new Bug("this Java has no HMAC", e);
        }
    }

    /** The key itself, to be sealed under another key or written to its file. */
    byte[] bytes() {
        return key.clone();
    }

    @Override
    public String toString() {
        return "SealingKey[hidden]";
    }
}
