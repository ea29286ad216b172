package org.allod.edge;

/** Bytes that are not the HTTP they should be. Has no stack trace, since whoever sends rubbish would pay us to make it. */
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
