package org.allod.edge;

import io.netty.buffer.PooledByteBufAllocator;
import io.netty.util.ResourceLeakDetector;
import io.netty.util.ResourceLeakDetectorFactory;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** Detects buffers that the edge did not release: every test that closes a {@link Rig} checks for them. */
final class Leaks {
    private static final List<String> FOUND = new CopyOnWriteArrayList<>();

    private Leaks() {}

    /** Must come before Netty makes its first buffer. */
    static void watch() {
        ResourceLeakDetector.setLevel(ResourceLeakDetector.Level.PARANOID);
        ResourceLeakDetectorFactory.setResourceLeakDetectorFactory(new ResourceLeakDetectorFactory() {
            @Override
            @SuppressWarnings("deprecation") // It is the one abstract method of the class.
            public <T> ResourceLeakDetector<T> newResourceLeakDetector(Class<T> resource, int interval, long active) {
                return new Collecting<>(resource, interval);
            }
        });
    }

    static void none() {
        System.gc();
        for (int i = 0; i < 3; i++) {
            // Making one is when Netty looks for those that were collected.
            PooledByteBufAllocator.DEFAULT.directBuffer(64).release();
        }
        if (!FOUND.isEmpty()) {
            List<String> found = List.copyOf(FOUND);
            FOUND.clear();
            throw new AssertionError(found.size() + " buffers leaked, the first used at:\n" + found.getFirst());
        }
    }

    private static final class Collecting<T> extends ResourceLeakDetector<T> {
        Collecting(Class<T> resource, int interval) {
            super(resource, interval);
        }

        @Override
        protected boolean needReport() {
            return true;
        }

        @Override
        protected void reportTracedLeak(String type, String records) {
            FOUND.add(type + records);
        }

        @Override
        protected void reportUntracedLeak(String type) {
            FOUND.add(type);
        }
    }
}
