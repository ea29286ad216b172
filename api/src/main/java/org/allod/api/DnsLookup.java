package org.allod.api;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** Public DNS lookups. */
public interface DnsLookup {
    /** The host's addresses; empty if it has none or no answer arrived in time. */
    List<String> addresses(String host);

    /** Uses this host's own resolver, on another thread with a time limit, because a lookup can block for longer. */
    static DnsLookup system(Duration bound) {
        return host -> {
            FutureTask<List<String>> task = new FutureTask<>(() -> look(host));
            Thread.ofVirtual().name("resolve " + host).start(task);
            try {
                return task.get(bound.toMillis(), TimeUnit.MILLISECONDS);
            } catch (TimeoutException | ExecutionException e) {
                return List.of();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return List.of();
            }
        };
    }

    private static List<String> look(String host) {
        try {
            return Arrays.stream(InetAddress.getAllByName(host))
                    .map(InetAddress::getHostAddress)
                    .toList();
        } catch (UnknownHostException e) {
            return List.of();
        }
    }
}
