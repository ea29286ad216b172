package org.allod.edge;

import io.netty.channel.ConnectTimeoutException;
import java.net.InetSocketAddress;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * Tries a port until it accepts a connection. A machine that just came up refuses connections until its process
 * listens, and the request waits for that, so the first tries follow each other within milliseconds. If no answer comes
 * at all (a packet was lost while the machine's link came up), the kernel would retry only after a second, so each try
 * is abandoned sooner, with growing timeouts. Belongs to one loop.
 */
final class ConnectProbe {
    /**
     * Milliseconds between tries after a refusal; the last value repeats. Steps of 5 ms for two seconds, then of 20.
     */
    private static final int[] PAUSES = {1, 2, 5};

    private static final int EAGER = 400;
    private static final int RELAXED_PAUSE = 20;
    /** Milliseconds to wait for any answer; the last value repeats. */
    private static final int[] PATIENCE = {30, 60, 120, 250, 500, 1000};

    /** Receives the connection, or null and the last failure. */
    interface Answer {
        void opened(@Nullable UpstreamConnection upstream, @Nullable Throwable refused);
    }

    private final EdgeLoop loop;
    private final BackendState backendState;
    private final InetSocketAddress address;
    private final long until;
    private final Answer answer;
    private int refusals;
    private int silences;

    ConnectProbe(
            EdgeLoop loop, BackendState backendState, InetSocketAddress address, Duration patience, Answer answer) {
        this.loop = loop;
        this.backendState = backendState;
        this.address = address;
        this.until = loop.now() + patience.toNanos();
        this.answer = answer;
    }

    void start() {
        loop.execute(this::attempt);
    }

    private void attempt() {
        long left = (until - loop.now()) / 1_000_000;
        int patience = Math.clamp(left, 1, PATIENCE[Math.min(silences, PATIENCE.length - 1)]);
        loop.dial(backendState, address, patience, (upstream, refused) -> {
            if (upstream != null) {
                answer.opened(upstream, null);
            } else if (until - loop.now() <= 0 || loop.closing()) {
                answer.opened(null, refused);
            } else if (refused instanceof ConnectTimeoutException) {
                silences++;
                attempt();
            } else {
                loop.after(pause(refusals++), this::attempt);
            }
        });
    }

    private static int pause(int refusals) {
        return refusals > EAGER ? RELAXED_PAUSE : PAUSES[Math.min(refusals, PAUSES.length - 1)];
    }
}
