package org.allod.linux;

import java.util.List;
import org.allod.base.FailedException;

/** A tap device ({@code linux/if_tun.h}): an Ethernet device whose other end is a file that a program opens. */
public final class TapDevice {
    private static final String FILE = "/dev/net/tun";

    private static final long TUNSETIFF = 0x4004_54caL;
    private static final long TUNSETPERSIST = 0x4004_54cbL;
    private static final long TUNSETOWNER = 0x4004_54ccL;
    private static final short IFF_TAP = 0x2;
    private static final short IFF_NO_PI = 0x1000;

    private TapDevice() {}

    /** Creates a persistent device in a named namespace, which only root and one user may open. */
    public static void make(String namespace, String name, int owner) {
        int result = PlatformThreads.call("tap-" + namespace, () -> NetNs.inside(namespace, () -> make(name, owner)));
        if (result < 0) {
            throw new FailedException(
                    "cannot make the tap device " + name + " in " + namespace + ": " + Libc.error(-result)
                            + (List.of(-Libc.ENOENT, -Libc.ENODEV).contains(result)
                                    ? ". Is the kernel's module tun there?"
                                    : ""));
        }
    }

    private static int make(String name, int owner) {
        // It belongs to the namespace of the thread that opens it.
        int fd = Libc.open(FILE, Libc.O_RDWR);
        if (fd < 0) {
            return fd;
        }
        try {
            int result = LibcSockets.ioctlDevice(fd, TUNSETIFF, name, (short) (IFF_TAP | IFF_NO_PI));
            result = result < 0 ? result : Libc.ioctl(fd, TUNSETOWNER, owner);
            return result < 0 ? result : Libc.ioctl(fd, TUNSETPERSIST, 1);
        } finally {
            Libc.close(fd);
        }
    }
}
