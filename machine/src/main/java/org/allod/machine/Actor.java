package org.allod.machine;

import java.util.Optional;

/**
 * Who asks for a change of a machine. People and their programs are held to a machine's lease; the host itself is not:
 * a lease guards against two operators changing one machine, not against the machine being woken by a request, put to
 * sleep when idle, or restarted by its own policy.
 */
public sealed interface Actor {
    /**
     * Whoever comes through the API.
     *
     * @param name who that is, as a lease's owner is named
     * @param nonce the lease they say they hold
     * @param tenant whether they come with no more than a token of the machine's app
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

    /** The word for it in a machine's events. */
    String source();

    /** A client without a lease. */
    static Actor client(String name) {
        return new Client(name, Optional.empty());
    }
}
