package org.allod.edge;

/**
 * The bytes are not valid HTTP. Has no stack trace, because building one for each invalid message would cost CPU that
 * its sender controls.
 */
final class HttpParseException extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final Problem problem;

    HttpParseException(Problem problem, String message) {
        super(message, null, false, false);
        this.problem = problem;
    }

    HttpParseException(String message) {
        this(Problem.BAD_REQUEST, message);
    }

    Problem problem() {
        return problem;
    }

    String why() {
        return String.valueOf(getMessage());
    }
}
