package org.allod.state;

/** Bytes from a peer that are not what they should be. The peer's fault or the wire's; the message is dropped. */
public final class MalformedMessage extends RuntimeException {
    MalformedMessage(String message) {
        super(message, null, false, false);
    }
}
