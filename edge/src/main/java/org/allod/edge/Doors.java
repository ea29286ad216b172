package org.allod.edge;

import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Function;

/**
 * The listeners beside the edge's own, changed as catalogs change: what is new is opened, what is gone is closed (its
 * connections finish), what stays is not touched. A port that another process holds is said once and tried again with
 * each catalog.
 *
 * <p>Touched under the lock of {@link Edge#publish} alone.
 */
final class Doors {
    private final Function<Door, ChannelFuture> open;
    private final Map<Integer, Opened> opened = new TreeMap<>();
    private final Set<Integer> refused = new HashSet<>();
    /** Those open now, for any thread. */
    private volatile Set<Integer> ports = Set.of();

    private record Opened(Door door, Channel channel) {}

    Doors(Function<Door, ChannelFuture> open) {
        this.open = open;
    }

    void follow(Iterable<Door> wanted) {
        Map<Integer, Door> byPort = new TreeMap<>();
        wanted.forEach(door -> byPort.putIfAbsent(door.port(), door));
        opened.values().removeIf(now -> {
            boolean gone = !now.door.equals(byPort.get(now.door.port()));
            if (gone) {
                now.channel.close().awaitUninterruptibly();
            }
            return gone;
        });
        refused.retainAll(byPort.keySet());
        byPort.values().stream()
                .filter(door -> !opened.containsKey(door.port()))
                .forEach(this::open);
        ports = Set.copyOf(opened.keySet());
    }

    boolean has(int port) {
        return ports.contains(port);
    }

    private void open(Door door) {
        ChannelFuture bound = open.apply(door).awaitUninterruptibly();
        if (bound.isSuccess()) {
            opened.put(door.port(), new Opened(door, bound.channel()));
            refused.remove(door.port());
        } else if (refused.add(door.port())) {
            Edge.LOG.log(
                    System.Logger.Level.WARNING,
                    "port %d, which a service asks for, cannot be opened: %s; it is tried again at the next change"
                            .formatted(door.port(), bound.cause().getMessage()));
        }
    }

    void close() {
        opened.values().forEach(now -> now.channel.close().awaitUninterruptibly());
        opened.clear();
    }
}
