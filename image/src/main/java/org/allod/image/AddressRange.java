package org.allod.image;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.regex.Pattern;
import org.allod.base.RejectedException;

/** A range of addresses with a common prefix: {@code 10.0.0.0/8}. */
record AddressRange(InetAddress first, int bits) {
    /** Matches literal addresses only: parsing must never resolve a name through DNS. */
    private static final Pattern LITERAL = Pattern.compile("[0-9.]+|[0-9a-fA-F:.]*:[0-9a-fA-F:.]*");

    static boolean looksLikeOne(String text) {
        return LITERAL.matcher(text.split("/", 2)[0]).matches();
    }

    /** Parses {@code ADDRESS/BITS}, or a single address. */
    static AddressRange parse(String text) {
        String[] parts = text.split("/", 2);
        try {
            if (looksLikeOne(text)) {
                InetAddress address = InetAddress.getByName(parts[0]);
                int most = address.getAddress().length * 8;
                int bits = parts.length == 1 ? most : Integer.parseInt(parts[1]);
                if (bits >= 0 && bits <= most) {
                    return new AddressRange(address, bits);
                }
            }
        } catch (UnknownHostException | NumberFormatException e) {
            // Reported below.
        }
        throw RejectedException.invalid(
                "\"" + UntrustedText.printable(text) + "\" is no range of addresses: it is written 10.1.0.0/16");
    }

    boolean contains(InetAddress address) {
        byte[] mine = first.getAddress();
        byte[] theirs = address.getAddress();
        if (mine.length != theirs.length) {
            return false;
        }
        for (int bit = 0; bit < bits; bit++) {
            int mask = 0x80 >> (bit % 8);
            if ((mine[bit / 8] & mask) != (theirs[bit / 8] & mask)) {
                return false;
            }
        }
        return true;
    }
}
