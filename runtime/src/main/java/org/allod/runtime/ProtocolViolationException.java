package org.allod.runtime;

/** A guest sent something invalid: its link is closed with this reason. The host continues unharmed. */
final class ProtocolViolationException extends RuntimeException {
    ProtocolViolationException(String reason) {
        super(reason, null, false, false);
    }
}
