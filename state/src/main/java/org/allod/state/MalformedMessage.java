package org.allod.state;

/** Bytes from a peer are malformed, because of the peer or the network. The message is dropped. */
public final class MalformedMessage extends RuntimeException {
    MalformedMessage(String message) {
        super(message, null, false, false);
    }
}
