package org.allod.trust;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.Signature;
import java.security.cert.Certificate;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.interfaces.ECPublicKey;
import java.security.interfaces.RSAPublicKey;
import java.security.spec.PKCS8EncodedKeySpec;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.allod.base.RejectedException;

/**
 * Validates an uploaded certificate: whether clients would accept it for this host name, apart from the question which
 * authority they trust. Pure: the same input gives the same result.
 */
final class CertificateValidator {
    private static final int MAX_CHAIN = 10;
    private static final int MAX_TEXT = 64 << 10;
    private static final int MIN_RSA_BITS = 2_048;
    private static final Pattern KEY =
            Pattern.compile("-----BEGIN ((?:RSA |EC )?PRIVATE KEY)-----([A-Za-z0-9+/=\\s]+)-----END \\1-----");
    private static final Pattern HOST = Pattern.compile(
            "(?:\\*\\.)?(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\\.)+[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?");

    private CertificateValidator() {}

    /** A valid chain, the leaf certificate first, and its private key in PKCS #8. */
    record Good(List<X509Certificate> chain, byte[] key) {
        @Override
        public String toString() {
            return "Good[" + chain.getFirst().getSubjectX500Principal() + "]";
        }
    }

    /** A host name in its stored form: lower case, without a final dot. */
    static String host(String text) {
        String host = text.strip().toLowerCase(java.util.Locale.ROOT);
        host = host.endsWith(".") ? host.substring(0, host.length() - 1) : host;
        if (host.length() > 253 || !HOST.matcher(host).matches()) {
            throw RejectedException.because(
                    RejectedException.Reason.UNSUPPORTED,
                    "hostname is \"%s\": it is not a host name".formatted(clip(text)),
                    "write it as in DNS, such as shop.example.com or *.example.com");
        }
        return host;
    }

    static Good judge(String host, String fullchain, String privateKey, Instant now) {
        List<X509Certificate> chain = chain(fullchain);
        X509Certificate own = chain.getFirst();
        strong(own);
        dates(chain, now);
        if (names(own).stream().noneMatch(name -> covers(name, host))) {
            throw refused(
                    "fullchain: the certificate is for %s, not for %s".formatted(String.join(", ", names(own)), host),
                    "bring one that names the host (subjectAltName)");
        }
        links(chain);
        return new Good(chain, key(own, privateKey));
    }

    private static List<X509Certificate> chain(String pem) {
        if (pem.length() > MAX_TEXT) {
            throw refused(
                    "fullchain has %d characters: at most %d".formatted(pem.length(), MAX_TEXT), "leave roots out");
        }
        List<X509Certificate> chain = new ArrayList<>();
        try {
            for (Certificate one : CertificateFactory.getInstance("X.509")
                    .generateCertificates(new ByteArrayInputStream(pem.getBytes(StandardCharsets.US_ASCII)))) {
                chain.add((X509Certificate) one);
            }
        } catch (CertificateException e) {
            throw refused("fullchain is not a list of certificates in PEM", "begin with the host's own");
        }
        if (chain.isEmpty() || chain.size() > MAX_CHAIN) {
            throw refused(
                    "fullchain has %d certificates in PEM: it must have 1 to %d".formatted(chain.size(), MAX_CHAIN),
                    "begin with the host's own, then the one that signed it, and so on");
        }
        return chain;
    }

    private static void strong(X509Certificate own) {
        boolean good = switch (own.getPublicKey()) {
            case RSAPublicKey rsa -> rsa.getModulus().bitLength() >= MIN_RSA_BITS;
            case ECPublicKey _ -> true;
            default -> false;
        };
        if (!good) {
            throw refused(
                    "fullchain: the certificate's key is %s: it must be RSA of %d bits or more, or ECDSA"
                            .formatted(own.getPublicKey().getAlgorithm(), MIN_RSA_BITS),
                    "have one issued for another key");
        }
    }

    private static void dates(List<X509Certificate> chain, Instant now) {
        for (X509Certificate one : chain) {
            Instant from = one.getNotBefore().toInstant();
            Instant until = one.getNotAfter().toInstant();
            if (now.isAfter(until) || now.isBefore(from)) {
                throw refused(
                        "fullchain: the certificate of %s is valid from %s to %s, and now is %s"
                                .formatted(one.getSubjectX500Principal(), from, until, now),
                        "bring one that is valid; if it is, look at this host's clock");
            }
        }
    }

    /** The DNS names in a certificate's subjectAltName. The common name is ignored, as clients do. */
    static List<String> names(X509Certificate certificate) {
        List<String> names = new ArrayList<>();
        try {
            var all = certificate.getSubjectAlternativeNames();
            if (all != null) {
                for (List<?> name : all) {
                    if (name.get(0) instanceof Integer kind && kind == 2 && name.get(1) instanceof String text) {
                        names.add(text.toLowerCase(java.util.Locale.ROOT));
                    }
                }
            }
        } catch (CertificateException e) {
            return List.of();
        }
        return names.isEmpty() ? List.of("no host at all") : names;
    }

    /** A wildcard matches exactly one label, the first. */
    static boolean covers(String name, String host) {
        if (name.equals(host)) {
            return true;
        }
        int dot = host.indexOf('.');
        return name.startsWith("*.")
                && dot > 0
                && !host.startsWith("*")
                && name.substring(1).equals(host.substring(dot));
    }

    private static void links(List<X509Certificate> chain) {
        for (int i = 0; i + 1 < chain.size(); i++) {
            X509Certificate one = chain.get(i);
            X509Certificate by = chain.get(i + 1);
            try {
                if (!one.getIssuerX500Principal().equals(by.getSubjectX500Principal())
                        || by.getBasicConstraints() < 0) {
                    throw broken(one, by);
                }
                one.verify(by.getPublicKey());
            } catch (GeneralSecurityException e) {
                throw broken(one, by);
            }
        }
    }

    private static RejectedException broken(X509Certificate one, X509Certificate by) {
        return refused(
                "fullchain: the certificate of %s was not signed by the next, that of %s"
                        .formatted(one.getSubjectX500Principal(), by.getSubjectX500Principal()),
                "put them in order: the host's own, the one that signed it, and so on");
    }

    /** Converts the key to PKCS #8 from any of the usual forms and checks that it is the certificate's. */
    private static byte[] key(X509Certificate own, String pem) {
        Matcher found = KEY.matcher(pem.length() > MAX_TEXT ? "" : pem);
        if (!found.find()) {
            throw refused(
                    "private_key is not an unencrypted private key in PEM",
                    "it begins with -----BEGIN PRIVATE KEY-----; one with a passphrase is opened with: openssl pkey");
        }
        byte[] der;
        try {
            der = Base64.getMimeDecoder().decode(found.group(2));
        } catch (IllegalArgumentException e) {
            throw refused("private_key is not PEM: its base64 is broken", "copy the file whole");
        }
        byte[] pkcs8 = found.group(1).equals("PRIVATE KEY") ? der : wrapped(own, der);
        try {
            String algorithm = own.getPublicKey().getAlgorithm();
            PrivateKey key = KeyFactory.getInstance(algorithm).generatePrivate(new PKCS8EncodedKeySpec(pkcs8));
            Signature signature = Signature.getInstance(algorithm.equals("RSA") ? "SHA256withRSA" : "SHA256withECDSA");
            byte[] probe = own.getTBSCertificate();
            signature.initSign(key);
            signature.update(probe);
            byte[] made = signature.sign();
            signature.initVerify(own.getPublicKey());
            signature.update(probe);
            if (signature.verify(made)) {
                return pkcs8;
            }
        } catch (GeneralSecurityException e) {
            // Reported below: a key of another type is simply not the certificate's.
        }
        throw refused(
                "private_key is not the key of the certificate of " + own.getSubjectX500Principal(),
                "bring the key that the certificate was asked for with");
    }

    /**
     * Older formats are the inner part of PKCS #8; the certificate of the same key has the algorithm identifier that
     * surrounds it.
     */
    private static byte[] wrapped(X509Certificate own, byte[] inner) {
        byte[] spki = own.getPublicKey().getEncoded();
        int head = spki[1] < 0 ? 2 + (spki[1] & 0x7f) : 2;
        int length = 2 + (spki[head + 1] & 0x7f); // an algorithm identifier is shorter than 128 bytes
        ByteArrayOutputStream body = new ByteArrayOutputStream();
        body.writeBytes(new byte[] {2, 1, 0});
        body.write(spki, head, length);
        body.writeBytes(der(4, inner));
        return der(0x30, body.toByteArray());
    }

    private static byte[] der(int tag, byte[] content) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.write(tag);
        if (content.length < 128) {
            out.write(content.length);
        } else if (content.length < 256) {
            out.writeBytes(new byte[] {(byte) 0x81, (byte) content.length});
        } else {
            out.writeBytes(new byte[] {(byte) 0x82, (byte) (content.length >> 8), (byte) content.length});
        }
        out.writeBytes(content);
        return out.toByteArray();
    }

    private static String clip(String text) {
        return text.length() <= 80 ? text : text.substring(0, 77) + "...";
    }

    private static RejectedException refused(String what, String hint) {
        return RejectedException.because(RejectedException.Reason.UNSUPPORTED, what, hint);
    }
}
