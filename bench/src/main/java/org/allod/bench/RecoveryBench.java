package org.allod.bench;

import java.util.List;

final class RecoveryBench implements Benchmark {
    @Override
    public String name() {
        return "recovery";
    }

    @Override
    public String purpose() {
        return "10,000 active runs, kill -9, restart: time until all are resumed";
    }

    @Override
    public int run(List<String> args) {
        return 1;
    }
}
