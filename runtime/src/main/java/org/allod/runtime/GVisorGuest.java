package org.allod.runtime;

import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import org.allod.base.MachineId;
import org.allod.base.RejectedException;
import org.allod.linux.Cgroups;
import org.allod.linux.Ext4;
import org.allod.linux.FileCopy;
import org.allod.linux.ProcessIdentity;

/** A guest in a gVisor sandbox. */
final class GVisorGuest implements Guest {
    private final RuntimeResources resources;
    private final MachineId machine;
    private final ProcessIdentity process;
    private final GuestChannel channel;
    private final UnixSocketAcceptor dialer;
    private final CompletableFuture<ExitStatus> exited;

    GVisorGuest(
            RuntimeResources resources,
            MachineId machine,
            ProcessIdentity process,
            GuestChannel channel,
            UnixSocketAcceptor dialer) {
        this.resources = resources;
        this.machine = machine;
        this.process = process;
        this.channel = channel;
        this.dialer = dialer;
        this.exited = channel.exited().thenApply(OomBaseline.read(resources, machine)::judge);
    }

    ProcessIdentity process() {
        return process;
    }

    GuestChannel channel() {
        return channel;
    }

    /** Closes the host's side of the channel; further connections of the guest are refused. */
    void hangUp() {
        stopListening();
        channel.close();
    }

    void stopListening() {
        try {
            dialer.close();
        } catch (IOException e) {
            // The socket is closed; a leftover name in the folder is harmless.
        }
    }

    @Override
    public MachineId machine() {
        return machine;
    }

    @Override
    public CompletableFuture<ExitStatus> exited() {
        return exited.copy();
    }

    @Override
    public void signal(int signal) {
        channel.signal(signal);
    }

    @Override
    public Exec exec(ExecSpec spec) {
        return channel.exec(spec);
    }

    @Override
    public GuestMemory memory() {
        Cgroups.Usage usage = resources.cgroups().usage(machine.text());
        return GuestMemory.of(usage.memoryLimitBytes() - Sandbox.OVERHEAD, usage.memoryBytes());
    }

    /** Changes the limit of the control group. The guest continues to see the size it was started with. */
    @Override
    public GuestMemory limitMemory(int megabytes) {
        long wanted = ((long) megabytes << 20) + Sandbox.OVERHEAD;
        if (!resources.cgroups().limitMemory(machine.text(), wanted)) {
            throw RejectedException.because(
                    RejectedException.Reason.CONFLICT,
                    "the guest of machine %s cannot be held to %d MB: it uses more, and a sandbox gives back only what its files have cached"
                            .formatted(machine, megabytes),
                    "take memory from its processes first, or restart the machine with less; nothing was changed");
        }
        return memory();
    }

    @Override
    public long reclaimMemory(int megabytes) {
        return resources.cgroups().reclaim(machine.text(), (long) megabytes << 20) >> 20;
    }

    @Override
    public GuestStats stats() {
        return resources.stats(machine, diskBytes());
    }

    @Override
    public Ext4.Space space(GuestSpec.Volume volume) {
        return SandboxVolumes.on(volume).space();
    }

    @Override
    public void grow(GuestSpec.Volume volume, long bytes) {
        SandboxVolumes.on(volume).grow();
    }

    /** The writable layer is an unnamed file that the sandbox holds open. */
    @Override
    public long diskBytes() {
        return layerBytes(Path.of("/proc/" + process.pid() + "/fd"));
    }

    /** Looks through a folder of open descriptors, of which any may be closed meanwhile. */
    static long layerBytes(Path descriptors) {
        try (DirectoryStream<Path> files = Files.newDirectoryStream(descriptors)) {
            for (Path file : files) {
                if (isLayer(file)) {
                    return FileCopy.allocated(file);
                }
            }
        } catch (IOException | DirectoryIteratorException e) {
            return -1; // the guest is ending
        }
        return -1;
    }

    private static boolean isLayer(Path descriptor) {
        try {
            return Files.readSymbolicLink(descriptor).toString().contains("/runsc-filestore-");
        } catch (IOException e) {
            return false; // closed since it was listed: another may be the one
        }
    }
}
