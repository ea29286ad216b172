package org.allod.state;

/** The head of every message: format, fleet, kind. What does not fit is dropped before anything else is read. */
final class Envelope {
    /** Raised when a peer of the old format could misread the new. */
    static final int FORMAT = 1;

    /** Where the kind stands: after the format and the fleet. */
    static final int KIND_AT = 9;

    static final int PING = 1;
    static final int ACK = 2;
    static final int NACK = 3;
    static final int PING_FOR = 4;
    static final int GOSSIP = 5;
    static final int JOIN = 6;
    static final int VIEW_WANTED = 7;
    static final int VIEW = 8;
    static final int PUSH = 16;
    static final int HAVE = 17;
    static final int WANT = 18;
    static final int SYNC_ROOT = 32;
    static final int SYNC_BUCKETS = 33;
    static final int SYNC_PULL = 34;
    static final int SYNC_ROWS = 35;
    static final int SYNC_NEXT = 36;

    private Envelope() {}

    static Encoder open(long fleet, int kind) {
        return new Encoder().octet(FORMAT).fixed(fleet).octet(kind);
    }

    /** The kind of a message for this fleet. */
    static int kind(Decoder in, long fleet) {
        int format = in.octet();
        if (format != FORMAT) {
            throw new MalformedMessage("format " + format + ", this host speaks " + FORMAT
                    + "; hosts of one fleet must run versions that speak the same");
        }
        long theirs = in.fixed();
        if (theirs != fleet) {
            throw new MalformedMessage("fleet " + Long.toHexString(theirs) + ", this is " + Long.toHexString(fleet));
        }
        return in.octet();
    }
}
