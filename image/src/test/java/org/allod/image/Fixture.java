package org.allod.image;

import java.nio.file.Path;
import java.util.Map;
import org.allod.base.Rng;
import org.allod.base.SystemClock;
import org.allod.base.SystemTimers;

/** An image store in a folder of the test's own. */
final class Fixture implements AutoCloseable {
    final SystemTimers timers = new SystemTimers();
    final LocalImageStore library;

    Fixture(Path folder) {
        this(ImageStoreConfig.in(folder));
    }

    Fixture(ImageStoreConfig settings) {
        library = new LocalImageStore(
                settings.withEnv(Map.copyOf(settings.env())), new SystemClock(), timers, Rng.system());
    }

    @Override
    public void close() {
        library.close();
        timers.close();
    }
}
