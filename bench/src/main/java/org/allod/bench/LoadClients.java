package org.allod.bench;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.allod.base.FailedException;

/** Several clients that create and destroy machines concurrently. */
record LoadClients(BenchDaemon daemon, int clients) {
    /** An action on an index, counted from 0. */
    interface Act {
        String on(int number) throws IOException;
    }

    /** Creates machines that run {@code true} and waits until each has ended; returns their ids. */
    List<String> live(String name, int count) throws IOException {
        List<String> ids = sideBySide(
                clients,
                count,
                i -> daemon.json("POST", BenchDaemon.machines(), """
                {"name":"%s-%d","config":{"image":"web","guest":{"cpus":1,"memory_mb":128},
                 "init":{"exec":["/bin/busybox","true"]},"restart":{"policy":"no"}}}
                """.formatted(name, i))
                        .get("id")
                        .stringValue());
        return sideBySide(clients, count, i -> {
            daemon.await(ids.get(i), "stopped");
            return ids.get(i);
        });
    }

    void destroy(List<String> ids) throws IOException {
        var _ = sideBySide(clients, ids.size(), i -> {
            daemon.destroy(ids.get(i));
            return "";
        });
    }

    static List<String> sideBySide(int width, int count, Act act) throws IOException {
        try (ExecutorService workers = Executors.newFixedThreadPool(width)) {
            List<Future<String>> under = new ArrayList<>();
            for (int i = 0; i < count; i++) {
                int number = i;
                under.add(workers.submit(() -> act.on(number)));
            }
            List<String> done = new ArrayList<>();
            for (Future<String> each : under) {
                done.add(each.get());
            }
            return done;
        } catch (ExecutionException e) {
            throw new FailedException("one of many failed: " + e.getMessage(), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException(e);
        }
    }
}
