package org.allod.bench;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * From the request that creates a microVM, whose image is here, to its state {@code started}; the floor is a bare boot
 * of the same kernel and PID 1 by the same QEMU, until PID 1 answers on its port.
 */
final class CreateMicroVmBench extends GuestBench {
    private static final double MARGIN = 150;
    private static final int WARM = 1;

    CreateMicroVmBench() {
        super(Map.of("rounds", "7"));
    }

    @Override
    public String name() {
        return "create-microvm";
    }

    @Override
    public String purpose() {
        return "create to started of a microVM, beside a bare boot by QEMU";
    }

    @Override
    void measure(Arguments args) throws IOException {
        List<Double> created = new ArrayList<>();
        List<Double> booted = new ArrayList<>();
        try (BenchDaemon daemon = BenchDaemon.serving("--runtime", "microvm");
                TempDir scratch = TempDir.in("/var/tmp")) {
            String model = daemon.machine("model");
            String address = daemon.json("GET", BenchDaemon.path(model), "")
                    .get("private_ip")
                    .stringValue();
            InetSocketAddress server = new InetSocketAddress(InetAddress.getByName(address), BenchDaemon.PORT);
            try (BareQemu bare = new BareQemu(scratch.dir(), daemon, model, server)) {
                // The floor uses its network and its disk from now on.
                WakeBench.sleep(daemon, model, "stop", "stopped");
                for (int round = -WARM; round < args.number("rounds"); round++) {
                    WakeBench.rest();
                    double boot = bare.boot();
                    double create = CreateBench.created(daemon, "number-" + (round + WARM));
                    if (round >= 0) {
                        booted.add(boot);
                        created.add(create);
                    }
                }
            }
        }
        ResultRow.margin(args.json(), "create to started, microVM", created, booted, MARGIN);
    }
}
