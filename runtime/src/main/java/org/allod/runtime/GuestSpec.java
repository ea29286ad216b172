package org.allod.runtime;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.allod.base.MachineId;

/**
 * Everything a runtime needs to know of one guest, so that it looks nothing up. Equal specs mean the same guest.
 *
 * @param machine whose guest it is
 * @param version the machine's version (a ULID): a spec with another version is another configuration
 * @param rootImage a read-only file system image (EROFS) shared with every machine of the same image
 * @param cpus whole processors
 * @param memoryMb the guest's memory
 * @param diskMb the size of the writable layer
 * @param argv the main process; at least one word
 * @param env the main process's whole environment
 * @param cwd its working folder, made if missing
 * @param user {@code name}, {@code uid}, {@code name:group} or {@code uid:gid}, resolved inside the guest; empty: root
 * @param tty whether the main process gets a terminal
 * @param hostname the guest's host name
 * @param files written before the main process starts
 * @param network the guest's addresses
 * @param options settings that most guests leave at their defaults
 * @param volumes disks that outlive the machine, mounted before the main process starts
 */
public record GuestSpec(
        MachineId machine,
        String version,
        Path rootImage,
        int cpus,
        int memoryMb,
        int diskMb,
        List<String> argv,
        Map<String, String> env,
        String cwd,
        Optional<String> user,
        boolean tty,
        String hostname,
        List<File> files,
        Net network,
        Options options,
        List<Volume> volumes) {
    public GuestSpec {
        argv = List.copyOf(argv);
        env = Map.copyOf(env);
        files = List.copyOf(files);
        volumes = List.copyOf(volumes);
    }

    /** With default {@link Options} and without volumes. */
    public GuestSpec(
            MachineId machine,
            String version,
            Path rootImage,
            int cpus,
            int memoryMb,
            int diskMb,
            List<String> argv,
            Map<String, String> env,
            String cwd,
            Optional<String> user,
            boolean tty,
            String hostname,
            List<File> files,
            Net network) {
        this(
                machine,
                version,
                rootImage,
                cpus,
                memoryMb,
                diskMb,
                argv,
                env,
                cwd,
                user,
                tty,
                hostname,
                files,
                network,
                Options.USUAL,
                List.of());
    }

    /** A copy with these options. */
    public GuestSpec with(Options other) {
        return new GuestSpec(
                machine, version, rootImage, cpus, memoryMb, diskMb, argv, env, cwd, user, tty, hostname, files,
                network, other, volumes);
    }

    /** A copy with these volumes. */
    public GuestSpec with(List<Volume> others) {
        return new GuestSpec(
                machine, version, rootImage, cpus, memoryMb, diskMb, argv, env, cwd, user, tty, hostname, files,
                network, options, others);
    }

    /**
     * Settings that most guests leave at their defaults.
     *
     * @param cpuWeight its share of CPU time under contention; 100 is the default
     * @param keepRoot whether the writable layer outlives the boot; only microVMs can
     * @param swapMb swap space on the disk; only microVMs have it
     * @param kernelArgs for the guest's kernel; only a microVM's has a command line
     * @param resolv lines of {@code /etc/resolv.conf}; a line of a kind ({@code nameserver}) replaces the host's lines
     *     of that kind
     * @param fqdn the fully qualified host name, for {@code /etc/hosts}
     * @param units run instead of the main process, if there are any
     * @param firstEnds whether the guest ends with the first unit; otherwise with the last
     */
    public record Options(
            int cpuWeight,
            boolean keepRoot,
            int swapMb,
            List<String> kernelArgs,
            List<String> resolv,
            Optional<String> fqdn,
            List<GuestUnit> units,
            boolean firstEnds) {
        public static final Options USUAL =
                new Options(100, false, 0, List.of(), List.of(), Optional.empty(), List.of(), false);

        public Options {
            kernelArgs = List.copyOf(kernelArgs);
            resolv = List.copyOf(resolv);
            units = List.copyOf(units);
        }

        /** The distinct images of the units, in the order of the disks that hold them. */
        List<Path> images() {
            return units.stream()
                    .flatMap(unit -> unit.rootImage().stream())
                    .distinct()
                    .toList();
        }
    }

    /**
     * A disk that outlives the machine: an ext4 file system in a file.
     *
     * @param id at most 20 letters, digits, hyphens and underscores: the disk's serial number in a virtual machine
     * @param image the file
     * @param mount where the host mounts it for a runtime without a kernel of its own
     * @param path its mount point in the guest
     * @param key the encryption key; empty if it is not encrypted
     */
    public record Volume(String id, Path image, Path mount, String path, Optional<VolumeKey> key) {
        Volume keyless() {
            return new Volume(id, image, mount, path, Optional.empty());
        }
    }

    /** A copy without secrets: for what keeps a spec after the boot. */
    GuestSpec discreet() {
        return new GuestSpec(
                machine,
                version,
                rootImage,
                cpus,
                memoryMb,
                diskMb,
                argv,
                Map.of(),
                cwd,
                user,
                tty,
                hostname,
                List.of(),
                network,
                options,
                volumes.stream().map(Volume::keyless).toList());
    }

    /** Omits environment and files, which may be secrets. */
    @Override
    public String toString() {
        return "GuestSpec[machine=" + machine + ", version=" + version + ", argv=" + argv + ", env=" + env.keySet()
                + ", files=" + files.stream().map(File::path).toList() + "]";
    }

    /**
     * A file to write in the guest: its path, its content (may be secret: never logged) and its mode as in {@code
     * stat(2)}: permission bits and, if the type bits say so, a symbolic link whose target is the content.
     */
    public record File(String path, byte[] content, int mode) {
        /** In memory under both runtimes, and not writable by users in the guest. */
        private static final String MEMORY = "/dev/shm/.allod/file-";

        private static final int LINK = 0120777;

        /**
         * A file whose content never reaches the guest's disk, which is a file on the host's disk: the content is in
         * memory and {@code path} is a link to it.
         *
         * @param number unique among the files of the guest and all its containers
         */
        public static List<File> inMemory(String path, byte[] content, int mode, int number) {
            String place = MEMORY + number;
            return List.of(
                    new File(place, content, mode), new File(path, place.getBytes(StandardCharsets.UTF_8), LINK));
        }

        @Override
        public String toString() {
            return "File[path=" + path + ", mode=" + Integer.toOctalString(mode) + "]";
        }
    }

    /**
     * The guest's network identity. Guests of one app share {@code network}; on this host they may not reach each other
     * unless a rule allows it.
     *
     * @param fleet the low 40 bits identify the fleet
     * @param network 32 bits, one number for each app
     */
    public record Net(long fleet, int network) {
        /** {@code fd} + 40-bit fleet, 32-bit network, 48-bit machine: the address that survives a move. */
        public String address(MachineId machine) {
            long m = machine.bits();
            return "fd%02x:%04x:%04x:%04x:%04x:%04x:%04x:%04x"
                    .formatted(
                            (fleet >>> 32) & 0xff,
                            (fleet >>> 16) & 0xffff,
                            fleet & 0xffff,
                            (network >>> 16) & 0xffff,
                            network & 0xffff,
                            (m >>> 32) & 0xffff,
                            (m >>> 16) & 0xffff,
                            m & 0xffff);
        }
    }
}
