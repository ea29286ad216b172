package org.allod.host;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.node.ArrayNode;

/** Checks what the host itself needs for machines to run. */
final class DoctorChecks {
    private static final Map<String, String> COMMANDS = Map.of(
            "nft", "nftables: what keeps machines apart",
            "mkfs.erofs", "erofs-utils: images as read-only file systems",
            "mke2fs", "e2fsprogs: writable layers of microVMs",
            "qemu-system-x86_64", "qemu-system-x86: microVMs",
            "qemu-img", "qemu-utils: encrypted volumes",
            "mmdebstrap", "mmdebstrap: allod image build",
            "setpriv", "util-linux: running QEMU without privileges");

    private DoctorChecks() {}

    static void host(ArrayNode into) {
        long total = HostMemory.totalMb();
        add(into, "memory", total < 2_048 ? "warning" : "ok", total + " MB", "add memory for more machines");
        boolean v2 = Files.exists(Path.of("/sys/fs/cgroup/cgroup.controllers"));
        boolean v1 = Files.exists(Path.of("/sys/fs/cgroup/memory"));
        add(
                into,
                "control groups",
                v2 || v1 ? "ok" : "failed",
                v2 ? "v2" : v1 ? "v1 or hybrid" : "not mounted",
                "mount cgroup2 on /sys/fs/cgroup");
        COMMANDS.entrySet().stream().sorted(Map.Entry.comparingByKey()).forEach(e -> {
            boolean there = onPath(e.getKey());
            add(
                    into,
                    "command " + e.getKey(),
                    there ? "ok" : "warning",
                    e.getValue(),
                    "install it: `allod setup`, or apt-get install "
                            + e.getValue().split(":", 2)[0]);
        });
    }

    private static boolean onPath(String command) {
        List<String> folders =
                Arrays.asList((System.getenv().getOrDefault("PATH", "") + ":/usr/sbin:/sbin").split(":", -1));
        return folders.stream().anyMatch(f -> Files.isExecutable(Path.of(f, command)));
    }

    /** Adds a finding; the remedy only if there is a problem. */
    static void add(ArrayNode into, String name, String status, String detail, String remedy) {
        var node = into.addObject().put("name", name).put("status", status).put("detail", detail);
        if (!status.equals("ok")) {
            node.put("remedy", remedy);
        }
    }
}
