package org.allod.runtime;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * The command line of a microVM. Pure. QEMU starts without privileges: its files are opened beforehand (descriptors 4
 * to 7), as are its network device (3) and its sockets (8 and 9), and its user owns nothing. It has its own process,
 * mount and System V IPC namespaces; its guest does not run before the host's files have been hidden from it ({@link
 * MicroVm#start}).
 *
 * @param kvm false: the processor is emulated
 * @param kernelArgs placed before Allod's own, which take precedence
 * @param images further read-only file systems, each on a disk named by {@link GuestSetup#disk}
 * @param incoming saved memory to load instead of booting
 * @param tap the network device; empty for no network
 * @param volumes disks that outlive the machine
 * @param helper the guest binary, which opens devices and files for QEMU
 */
record QemuCommandLine(
        boolean kvm,
        int cpus,
        int memoryMb,
        List<String> kernelArgs,
        Path kernel,
        Path initramfs,
        Path root,
        Path disk,
        List<Path> images,
        VmPaths folders,
        Optional<Path> incoming,
        Optional<Tap> tap,
        List<Disk> volumes,
        Path helper) {
    static final String PROGRAM = "qemu-system-x86_64";

    /** Where QEMU reads saved memory once it is told to. */
    static final String INCOMING = "fd:0";

    static final String CHANNEL = "org.allod.guest";

    /** A network device: its name and MAC address. */
    record Tap(String device, String mac) {}

    /**
     * A volume.
     *
     * @param id its serial number, and QEMU's name for it
     * @param key the file its key is read from, which is deleted on reading; empty if it is not encrypted
     */
    record Disk(String id, Path image, Optional<Path> key) {}

    /** Descriptors of QEMU's listening sockets; their names are in a folder that QEMU cannot enter. */
    private static final int CONTROL_SOCKET = 8;

    private static final int CHANNEL_SOCKET = 9;

    /** Descriptors from here on are volumes and their keys, two for each. */
    private static final int VOLUMES = 10;

    /** Opens files that QEMU's own user may not reach by name, then becomes the next command. */
    private static final String OPEN = "exec 0<\"$1\" 4<\"$2\" 5<>\"$3\" 6<\"$4\" 7<\"$5\"; shift 5; exec \"$@\"";

    /** If only root may open the device: a copy of its node that QEMU's user owns, in QEMU's mount namespace. */
    private static final String KVM = "mount -t tmpfs -o size=64k,mode=755 none \"$1\" && mknod \"$1/kvm\" c 10 232"
            + " && chown \"$2\" \"$1/kvm\" && chmod 600 \"$1/kvm\" && mount --bind \"$1/kvm\" /dev/kvm"
            + " && shift 2 && exec \"$@\"";

    private static final String QUIET = "console=ttyS0 quiet loglevel=4 panic=-1 reboot=t i8042.noaux i8042.nomux"
            + " i8042.dumbkbd cryptomgr.notests random.trust_cpu=on audit=0 -- microvm";

    /** The descriptor of the first of {@code images}. */
    private static final int FIRST_IMAGE = 100;

    /** The emulator's code cache: enough for a kernel and a server; it counts against the machine's memory limit. */
    static final int EMULATOR_CACHE_MB = 64;

    List<String> argv() {
        List<String> line = new ArrayList<>();
        tap.ifPresent(t -> line.addAll(List.of(helper.toString(), "tap", t.device, "3")));
        line.addAll(List.of(helper.toString(), "files"));
        line.add(CONTROL_SOCKET + ":bind:" + folders.control());
        line.add(CHANNEL_SOCKET + ":bind:" + folders.channel());
        for (int i = 0; i < images.size(); i++) {
            line.add((FIRST_IMAGE + i) + ":r:" + images.get(i));
        }
        for (int i = 0; i < volumes.size(); i++) {
            int fd = VOLUMES + 2 * i;
            line.add(fd + ":rw:" + volumes.get(i).image);
            volumes.get(i).key.ifPresent(key -> line.add((fd + 1) + ":once:" + key));
        }
        line.add("--");
        String memory = incoming.map(Path::toString).orElse("/dev/null");
        line.addAll(List.of("sh", "-c", OPEN, "open", memory, root.toString(), disk.toString()));
        line.addAll(List.of(kernel.toString(), initramfs.toString()));
        line.addAll(List.of("unshare", "--mount", "--propagation", "private", "--ipc", "--pid", "--fork"));
        if (kvm) {
            line.addAll(List.of("sh", "-c", KVM, "kvm"));
            line.addAll(List.of(folders.run().resolveSibling("dev").toString(), "" + folders.uid()));
        }
        line.addAll(List.of("setpriv", "--reuid=" + folders.uid(), "--regid=" + folders.uid(), "--clear-groups"));
        line.addAll(List.of("--no-new-privs", "--inh-caps=-all", "--bounding-set=-all"));
        line.addAll(qemu());
        return line;
    }

    private String append() {
        return kernelArgs.isEmpty() ? QUIET : String.join(" ", kernelArgs) + " " + QUIET;
    }

    private List<String> qemu() {
        List<String> line = new ArrayList<>(List.of(PROGRAM, "-name", "allod-" + folders.machine()));
        line.addAll(List.of("-nodefaults", "-no-user-config", "-no-reboot", "-display", "none"));
        line.addAll(List.of("-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny"));
        line.addAll(List.of("-machine", "q35,usb=off,sata=off,hpet=off,vmport=off,smbus=off,dump-guest-core=off"));
        line.addAll(List.of("-accel", kvm ? "kvm" : "tcg,thread=multi,tb-size=" + EMULATOR_CACHE_MB));
        line.addAll(List.of("-cpu", kvm ? "host" : "max", "-smp", "" + cpus, "-m", memoryMb + "M"));
        line.addAll(List.of("-kernel", "/proc/self/fd/6", "-initrd", "/proc/self/fd/7", "-append", append()));
        line.addAll(List.of("-add-fd", "fd=4,set=1", "-add-fd", "fd=5,set=2"));
        line.addAll(List.of(
                "-blockdev",
                "driver=raw,node-name=root,read-only=on,file.driver=file,file.filename=/dev/fdset/1,file.locking=off"));
        line.addAll(List.of("-device", "virtio-blk-pci,drive=root,serial=root"));
        line.addAll(
                List.of(
                        "-blockdev",
                        "driver=raw,node-name=disk,discard=unmap,file.driver=file,file.filename=/dev/fdset/2,file.locking=off,file.discard=unmap"));
        line.addAll(List.of("-device", "virtio-blk-pci,drive=disk,serial=disk,discard=on"));
        for (int i = 0; i < volumes.size(); i++) {
            volume(line, volumes.get(i), VOLUMES + 2 * i);
        }
        for (int i = 0; i < images.size(); i++) {
            String name = GuestSetup.disk(i);
            line.addAll(List.of("-add-fd", "fd=%d,set=%d".formatted(FIRST_IMAGE + i, FIRST_IMAGE + i)));
            line.addAll(List.of(
                    "-blockdev",
                    "driver=raw,node-name=%s,read-only=on,file.driver=file,file.filename=/dev/fdset/%d,file.locking=off"
                            .formatted(name, FIRST_IMAGE + i)));
            line.addAll(List.of("-device", "virtio-blk-pci,drive=%s,serial=%s".formatted(name, name)));
        }
        line.addAll(List.of("-chardev", "ringbuf,id=console,size=65536", "-serial", "chardev:console"));
        line.addAll(List.of("-chardev", "socket,id=channel,server=on,wait=off,fd=" + CHANNEL_SOCKET));
        line.addAll(List.of("-device", "virtio-serial-pci,max_ports=2"));
        line.addAll(List.of("-device", "virtserialport,chardev=channel,nr=1,name=" + CHANNEL));
        // Before optional devices, so that its slot on the bus never changes.
        line.addAll(List.of(
                "-device", "virtio-balloon-pci,id=" + Balloon.ID + ",deflate-on-oom=on,free-page-reporting=on"));
        line.addAll(List.of("-chardev", "socket,id=control,server=on,wait=off,fd=" + CONTROL_SOCKET));
        line.addAll(List.of("-mon", "chardev=control,mode=control"));
        tap.ifPresent(t -> line.addAll(
                List.of("-netdev", "tap,id=net,fd=3", "-device", "virtio-net-pci,netdev=net,romfile=,mac=" + t.mac)));
        line.add("-S"); // waits for a command, whatever the saved state says of the guest
        incoming.ifPresent(path -> line.addAll(List.of("-incoming", "defer")));
        return line;
    }

    /**
     * The machine as its guest sees it: processor, memory, devices and their order. Saved memory can be loaded only
     * into the same form; QEMU would detect a difference late and with an unclear error.
     */
    String form() {
        List<String> line = qemu();
        List<String> seen = List.of("-machine", "-cpu", "-smp", "-m", "-device");
        return IntStream.range(1, line.size())
                .filter(i -> seen.contains(line.get(i - 1)))
                .mapToObj(i -> line.get(i - 1) + " " + line.get(i))
                .collect(Collectors.joining("\n", "", "\n"));
    }

    private static void volume(List<String> line, Disk disk, int fd) {
        line.addAll(List.of("-add-fd", "fd=" + fd + ",set=" + fd));
        String driver = "raw";
        if (disk.key.isPresent()) {
            String key = "key-" + disk.id;
            line.addAll(List.of("-object", "secret,id=" + key + ",format=raw,file=/proc/self/fd/" + (fd + 1)));
            driver = "luks,key-secret=" + key;
        }
        line.addAll(List.of(
                "-blockdev",
                "driver=" + driver + ",node-name=" + disk.id
                        + ",discard=unmap,file.driver=file,file.filename=/dev/fdset/" + fd
                        + ",file.locking=off,file.discard=unmap"));
        line.addAll(List.of("-device", "virtio-blk-pci,drive=" + disk.id + ",serial=" + disk.id + ",discard=on"));
    }
}
