package org.allod.host;

import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.concurrent.atomic.AtomicInteger;

/** A client that calls an app through the edge twenty times a second and records failures. */
final class Requests implements AutoCloseable {
    private final DaemonProcess daemon;
    private final String app;
    private final String path;
    private final List<String> failed = new ArrayList<>();
    private final Set<String> bodies = new ConcurrentSkipListSet<>();
    private final AtomicInteger answered = new AtomicInteger();
    private final Thread thread;
    private volatile boolean over;

    Requests(DaemonProcess daemon, String app, String path) {
        this.daemon = daemon;
        this.app = app;
        this.path = path;
        this.thread = Thread.ofPlatform().daemon().name("requests").start(this::run);
    }

    private void run() {
        while (!over) {
            try {
                HttpResponse<String> answer = daemon.through(app, path);
                if (answer.statusCode() == 200) {
                    answered.incrementAndGet();
                    bodies.add(answer.body());
                } else {
                    fails(answer.statusCode() + " " + answer.body());
                }
                Thread.sleep(50);
            } catch (Exception e) {
                fails(e.toString());
            }
        }
    }

    private synchronized void fails(String why) {
        failed.add(why);
    }

    synchronized List<String> failed() {
        return List.copyOf(failed);
    }

    Set<String> bodies() {
        return bodies;
    }

    int answered() {
        return answered.get();
    }

    @Override
    public void close() throws InterruptedException {
        over = true;
        thread.join();
    }
}
