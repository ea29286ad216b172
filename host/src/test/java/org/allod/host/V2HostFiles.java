package org.allod.host;

import java.util.Map;

/** The few files of {@link V2Host} that no package has. */
final class V2HostFiles {
    /** Where its doors are: a shell for each connection, the API, the edge. */
    static final int SHELL = 5000;

    static final int API = 5001;
    static final int EDGE = 5002;

    /** The first process: from the initramfs to the root, with a writable layer in memory and the data on a disk. */
    static final String FIRST = """
            #!/bin/sh
            mount -t proc proc /proc
            mount -t sysfs sysfs /sys
            mount -t devtmpfs dev /dev
            for module in /modules/*; do insmod $module; done
            mount -t erofs -o ro /dev/vda /image
            mount -t tmpfs -o size=512m tmpfs /upper
            mkdir /upper/data /upper/work
            mount -t overlay -o lowerdir=/image,upperdir=/upper/data,workdir=/upper/work overlay /root
            mount -t ext4 /dev/vdb /root/var/lib/allod
            ln -s /tools /root/var/lib/allod/tools
            for folder in proc sys dev; do mount -o move /$folder /root/$folder; done
            exec switch_root /root /begin
            """;

    /**
     * PID 1, until it is told to become systemd. Control groups as systemd mounts them. What udev and kmod would do: the
     * module that a device is made by is loaded.
     */
    private static final String BEGIN = """
            #!/bin/sh
            export PATH=/usr/sbin:/usr/bin
            exec < /dev/console > /dev/console 2>&1
            mount -t tmpfs -o mode=755 tmpfs /run
            mount -t tmpfs tmpfs /tmp
            mkdir -p /dev/pts /dev/shm
            mount -t devpts devpts /dev/pts
            mount -t tmpfs tmpfs /dev/shm
            mount -t cgroup2 -o nosuid,nodev,noexec,nsdelegate,memory_recursiveprot cgroup2 /sys/fs/cgroup
            modprobe loop
            ip link set lo up
            ip addr add 10.0.2.15/24 dev eth0
            ip link set eth0 up
            ip route add default via 10.0.2.2
            busybox nc -ll -p %d -e /bin/sh &
            busybox nc -ll -p %d -e /door-api &
            busybox nc -ll -p %d -e /door-edge &
            while [ ! -e /run/systemd-next ]; do sleep 0.1; done
            exec /lib/systemd/systemd --unit=allod.service
            """.formatted(SHELL, API, EDGE);

    /** By their path, from the root. */
    static final Map<String, String> ALL = Map.of(
            "begin",
            BEGIN,
            "door-api",
            "#!/bin/sh\nexec busybox nc 127.0.0.1 4280 2> /dev/null\n",
            "door-edge",
            "#!/bin/sh\nexec busybox nc 127.0.0.1 8080 2> /dev/null\n",
            "etc/passwd",
            "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n",
            "etc/group",
            "root:x:0:\ntty:x:5:\nnogroup:x:65534:\n",
            "etc/machine-id",
            "0123456789abcdef0123456789abcdef\n",
            // The processor is emulated: all that a second compiler would do is, too, and on a crowded machine a JVM
            // may need minutes to tell systemd anything.
            "etc/systemd/system/allod.service.d/emulated.conf",
            "[Service]\nEnvironment=JAVA_TOOL_OPTIONS=-XX:TieredStopAtLevel=1\nTimeoutStartSec=300\nWatchdogSec=300\n");

    private V2HostFiles() {}
}
