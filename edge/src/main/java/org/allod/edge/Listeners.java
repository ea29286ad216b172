package org.allod.edge;

import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Function;

/**
 * The listeners in addition to the edge's own. They follow the catalogs: new ports are opened, removed ones are closed
 * (their connections finish), and the rest is untouched. A port that another process holds is logged once and tried
 * again with each catalog.
 *
 * <p>Guarded by the lock of {@link Edge#publish}.
 */
final class Listeners {
    private final Function<ListenerSpec, ChannelFuture> open;
    private final Map<Integer, Opened> opened = new TreeMap<>();
    private final Set<Integer> refused = new HashSet<>();
    /** The ports open now, readable by any thread. */
    private volatile Set<Integer> ports = Set.of();

    private record Opened(ListenerSpec listener, Channel channel) {}

    Listeners(Function<ListenerSpec, ChannelFuture> open) {
        this.open = open;
    }

    void follow(Iterable<ListenerSpec> wanted) {
        Map<Integer, ListenerSpec> byPort = new TreeMap<>();
        wanted.forEach(listener -> byPort.putIfAbsent(listener.port(), listener));
        opened.values().removeIf(now -> {
            boolean gone = !now.listener.equals(byPort.get(now.listener.port()));
            if (gone) {
                now.channel.close().awaitUninterruptibly();
            }
            return gone;
        });
        refused.retainAll(byPort.keySet());
        byPort.values().stream()
                .filter(listener -> !opened.containsKey(listener.port()))
                .forEach(this::open);
        ports = Set.copyOf(opened.keySet());
    }

    boolean has(int port) {
        return ports.contains(port);
    }

    private void open(ListenerSpec listener) {
        ChannelFuture bound = open.apply(listener).awaitUninterruptibly();
        if (bound.isSuccess()) {
            opened.put(listener.port(), new Opened(listener, bound.channel()));
            refused.remove(listener.port());
        } else if (refused.add(listener.port())) {
            Edge.LOG.log(
                    System.Logger.Level.WARNING,
                    "port %d, which a service asks for, cannot be opened: %s; it is tried again at the next change"
                            .formatted(listener.port(), bound.cause().getMessage()));
        }
    }

    void close() {
        opened.values().forEach(now -> now.channel.close().awaitUninterruptibly());
        opened.clear();
    }
}
