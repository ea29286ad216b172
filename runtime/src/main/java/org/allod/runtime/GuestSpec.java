package org.allod.runtime;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.allod.base.MachineId;

/**
 * Everything a runtime needs to know of one guest, and nothing it has to look up. The same spec means the same guest.
 *
 * @param machine whose guest it is
 * @param version the machine's version (a ULID): a spec with another version is another configuration
 * @param rootImage a read-only file system image (EROFS) shared with every machine of the same image
 * @param cpus whole processors
 * @param memoryMb the guest's memory
 * @param diskMb the writable layer's bound
 * @param argv the main process; at least one word
 * @param env the main process's whole environment
 * @param cwd its working folder, made if missing
 * @param user {@code name}, {@code uid}, {@code name:group} or {@code uid:gid}, resolved inside the guest; empty: root
 * @param tty whether the main process gets a terminal
 * @param hostname the guest's host name
 * @param files written before the main process starts
 * @param network the guest's addresses
 * @param options what most guests leave as it is
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

    /** With the usual {@link Options}, and without volumes. */
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

    /** This, with these options. */
    public GuestSpec with(Options other) {
        return new GuestSpec(
                machine, version, rootImage, cpus, memoryMb, diskMb, argv, env, cwd, user, tty, hostname, files,
                network, other, volumes);
    }

    /** This, with these volumes. */
    public GuestSpec with(List<Volume> others) {
        return new GuestSpec(
                machine, version, rootImage, cpus, memoryMb, diskMb, argv, env, cwd, user, tty, hostname, files,
                network, options, others);
    }

    /**
     * What most guests leave as it is.
     *
     * @param cpuWeight its share of processor time where guests compete; 100 is usual
     * @param keepRoot whether the writable layer outlives the boot; only microVMs can
     * @param swapMb swap space on the disk; only microVMs have it
     * @param kernelArgs for the guest's kernel; only a microVM's has a command line
     * @param resolv lines of {@code /etc/resolv.conf}; a line of a kind ({@code nameserver}) replaces the host's
     * @param fqdn the whole host name, for {@code /etc/hosts}
     * @param units run in place of the main process, where there are any
     * @param firstEnds whether the end of one of them is the end of all; else the guest ends with the last
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

        /** The images of units, each once, in the order of the disks that hold them. */
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
     * @param mount where the host mounts it for a runtime that has no kernel of its own for it
     * @param path where the guest finds it
     * @param key of its encryption; empty: it is not encrypted
     */
    public record Volume(String id, Path image, Path mount, String path, Optional<VolumeKey> key) {
        Volume keyless() {
            return new Volume(id, image, mount, path, Optional.empty());
        }
    }

    /** The same without what only its guest may know: for what remembers a spec after the boot. */
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

    /** Without environment and files, which may be secrets. */
    @Override
    public String toString() {
        return "GuestSpec[machine=" + machine + ", version=" + version + ", argv=" + argv + ", env=" + env.keySet()
                + ", files=" + files.stream().map(File::path).toList() + "]";
    }

    /**
     * A file to be written in the guest: where, what (may be a secret: never logged), and its mode as in {@code
     * stat(2)}: permission bits, and where the type bits say so, a symbolic link whose target is the content.
     */
    public record File(String path, byte[] content, int mode) {
        /** What both runtimes keep in memory, and a user in the guest cannot meddle with. */
        private static final String MEMORY = "/dev/shm/.allod/file-";

        private static final int LINK = 0120777;

        /**
         * A file whose content never reaches the guest's disk, which is a file on the host's: it is in memory, and a
         * link leads there.
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
     * The guest's place in the network. Several guests of one app share {@code network}, and on this host may not
     * speak to each other unless told so; the default is deny.
     *
     * @param fleet the low 40 bits name the fleet
     * @param network 32 bits, one an app
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
