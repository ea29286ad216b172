package org.allod.bench;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * A request through the edge that resumes a suspended microVM, to its first byte, beside a bare restore by QEMU of the
 * same memory, in turns with it.
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
        try (Cloud cloud = Cloud.serving("--runtime", "microvm");
                Scratch scratch = Scratch.in("/var/tmp")) {
            String machine = cloud.machine("one");
            // Until its server answers it has nothing worth suspending.
            double _ = WakeBench.request(cloud);
            String address =
                    cloud.json("GET", Cloud.path(machine), "").get("private_ip").stringValue();
            InetSocketAddress server = new InetSocketAddress(InetAddress.getByName(address), Cloud.PORT);
            try (BareQemu bare = new BareQemu(scratch.dir(), cloud, machine, server)) {
                int warm = 2;
                for (int round = -warm; round < args.number("rounds"); round++) {
                    WakeBench.sleep(cloud, machine, "suspend", "suspended");
                    double restore = bare.restore();
                    WakeBench.rest();
                    double resume = WakeBench.request(cloud);
                    cloud.await(machine, "started");
                    if (round >= 0) {
                        restored.add(restore);
                        resumed.add(resume);
                    }
                }
            }
        }
        Verdict.ratio(args.json(), "wake a suspended microVM", resumed, restored, TARGET);
    }
}
