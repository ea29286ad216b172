package org.allod.runtime;

/** What came from a guest cannot be: its link is cut, with this reason. The host goes on unharmed. */
final class ProtocolViolationException extends RuntimeException {
    ProtocolViolationException(String reason) {
        super(reason, null, false, false);
    }
}
