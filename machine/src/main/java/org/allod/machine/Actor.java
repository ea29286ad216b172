package org.allod.machine;

import java.util.Optional;

/**
 * Who asks for a change of a machine. Clients of the API must respect a machine's lease. The host itself need not: a
 * lease keeps two operators from changing one machine at once; it does not keep the machine from being woken by a
 * request, stopped when idle, or restarted by its own policy.
 */
public sealed interface Actor {
    /**
     * A client of the API.
     *
     * @param name the client's name, in the form of a lease's owner
     * @param nonce the nonce of the lease that the client claims to hold
     * @param tenant whether the client has only a token of the machine's app
     */
    record Client(String name, Optional<String> nonce, boolean tenant) implements Actor {
        /** The operator. */
        public Client(String name, Optional<String> nonce) {
            this(name, nonce, false);
        }

        @Override
        public String source() {
            return "user";
        }
    }

    /** A part of the host: {@code edge}, {@code flyd}. */
    record Host(String source) implements Actor {}

    /** The source that a machine's events name. */
    String source();

    /** A client without a lease. */
    static Actor client(String name) {
        return new Client(name, Optional.empty());
    }
}
