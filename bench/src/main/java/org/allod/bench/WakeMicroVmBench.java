package org.allod.bench;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * A request through the edge that resumes a suspended microVM, to its first byte, beside a bare restore by QEMU of the
 * same memory, alternating with it.
 */
final class WakeMicroVmBench extends GuestBench {
    private static final double TARGET = 1.5;

    WakeMicroVmBench() {
        super(Map.of("rounds", "9"));
    }

    @Override
    public String name() {
        return "wake-microvm";
    }

    @Override
    public String purpose() {
        return "a request to a suspended microVM, beside a bare restore by QEMU";
    }

    @Override
    void measure(Arguments args) throws IOException {
        List<Double> resumed = new ArrayList<>();
        List<Double> restored = new ArrayList<>();
        try (BenchDaemon daemon = BenchDaemon.serving("--runtime", "microvm");
                TempDir scratch = TempDir.in("/var/tmp")) {
            String machine = daemon.machine("one");
            // Until its server answers there is nothing worth suspending.
            double _ = WakeBench.request(daemon);
            String address = daemon.json("GET", BenchDaemon.path(machine), "")
                    .get("private_ip")
                    .stringValue();
            InetSocketAddress server = new InetSocketAddress(InetAddress.getByName(address), BenchDaemon.PORT);
            try (BareQemu bare = new BareQemu(scratch.dir(), daemon, machine, server)) {
                int warm = 2;
                for (int round = -warm; round < args.number("rounds"); round++) {
                    WakeBench.sleep(daemon, machine, "suspend", "suspended");
                    double restore = bare.restore();
                    WakeBench.rest();
                    double resume = WakeBench.request(daemon);
                    daemon.await(machine, "started");
                    if (round >= 0) {
                        restored.add(restore);
                        resumed.add(resume);
                    }
                }
            }
        }
        ResultRow.ratio(args.json(), "wake a suspended microVM", resumed, restored, TARGET);
    }
}
