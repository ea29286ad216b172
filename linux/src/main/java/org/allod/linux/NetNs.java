package org.allod.linux;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.IntSupplier;
import org.allod.base.Bug;
import org.allod.base.FailedException;

/**
 * Named network namespaces, as {@code ip netns} keeps them: a file in {@code /run/netns} on which the namespace is
 * mounted, so that it lives without a process in it.
 *
 * <p>A namespace is a property of a thread, and every thread that it starts inherits it. The JVM may start threads at
 * any time: waking a virtual thread may start a carrier. So a thread that enters a namespace is created for that, makes
 * nothing but system calls there, and returns to the namespace of the process before it touches any Java object that
 * another thread could wait for. If it cannot return, the process ends, because it would be unknown which thread speaks
 * to which network.
 */
public final class NetNs {
    private static final Path FOLDER = Path.of("/run/netns");
    private static final String OF_THREAD = "/proc/thread-self/ns/net";

    private static boolean shared;

    private NetNs() {}

    /** The file that stands for the namespace. */
    public static Path path(String name) {
        return FOLDER.resolve(name);
    }

    public static boolean exists(String name) {
        return Files.exists(path(name));
    }

    /** Names that begin with {@code prefix}. */
    public static Set<String> list(String prefix) {
        Set<String> names = new TreeSet<>();
        try (DirectoryStream<Path> files = Files.newDirectoryStream(FOLDER, prefix + "*")) {
            files.forEach(file -> names.add(file.getFileName().toString()));
        } catch (NoSuchFileException e) {
            return names; // no namespace was ever named on this host
        } catch (IOException e) {
            throw new FailedException("cannot list network namespaces in " + FOLDER + ": " + e.getMessage(), e);
        }
        return names;
    }

    /**
     * Creates a namespace that has only a loopback device, which is down.
     *
     * @throws FailedException also if one of that name exists; a file that a crash left counts too ({@link #delete}
     *     removes it)
     */
    public static void make(String name) {
        share();
        Path path = path(name);
        try {
            Files.createFile(path, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("---------")));
        } catch (FileAlreadyExistsException e) {
            throw new FailedException("cannot make the network namespace " + name + ": there is one", e);
        } catch (IOException e) {
            throw new FailedException("cannot make the network namespace " + name + ": " + e.getMessage(), e);
        }
        int result = PlatformThreads.call("netns-" + name, () -> mountNew(path));
        if (result < 0) {
            delete(name);
            throw new FailedException("cannot make the network namespace " + name + ": " + Libc.error(-result));
        }
    }

    /** Makes a namespace and mounts it on a file, on this thread, which must be made for it. */
    static int mountNew(Path path) {
        return runOutside(
                LibcSockets::unshareNetwork, () -> LibcSockets.mount(OF_THREAD, path.toString(), LibcSockets.MS_BIND));
    }

    /**
     * Removes the name. The kernel frees the namespace once no process and no socket is in it. Idempotent.
     */
    public static void delete(String name) {
        Path path = path(name);
        int result = LibcSockets.detach(path.toString());
        // EINVAL: not mounted, since a crash came between creating the file and mounting it.
        if (result < 0 && result != -Libc.ENOENT && result != -Libc.EINVAL) {
            throw new FailedException("cannot unmount the network namespace " + name + ": " + Libc.error(-result));
        }
        try {
            Files.deleteIfExists(path);
        } catch (IOException e) {
            throw new FailedException("cannot delete the network namespace " + name + ": " + e.getMessage(), e);
        }
    }

    /**
     * Makes system calls inside a namespace, on this thread, which must be created for that ({@link PlatformThreads}).
     *
     * @param calls system calls and nothing else, as the class comment says
     * @return their result
     */
    static int inside(String name, IntSupplier calls) {
        int fd = Libc.open(path(name).toString(), Libc.O_RDONLY);
        if (fd < 0) {
            throw new FailedException("cannot enter the network namespace " + name + ": " + Libc.error(-fd));
        }
        try {
            return runOutside(
                    () -> {
                        int entered = LibcSockets.enterNetwork(fd);
                        if (entered < 0) {
                            throw new FailedException(
                                    "cannot enter the network namespace " + name + ": " + Libc.error(-entered));
                        }
                        return entered;
                    },
                    calls);
        } finally {
            Libc.close(fd);
        }
    }

    private static int runOutside(IntSupplier leave, IntSupplier calls) {
        if (Thread.currentThread().isVirtual()) {
            throw new Bug("a virtual thread would take its carrier to another network");
        }
        int home = Libc.open(OF_THREAD, Libc.O_RDONLY);
        if (home < 0) {
            throw new FailedException("cannot open this thread's network namespace: " + Libc.error(-home));
        }
        try {
            int left = leave.getAsInt();
            return left < 0 ? left : calls.getAsInt();
        } finally {
            if (LibcSockets.enterNetwork(home) < 0) {
                Runtime.getRuntime().halt(70);
            }
            Libc.close(home);
        }
    }

    /**
     * Makes the folder a shared mount, as {@code ip netns} does. Otherwise a name removed here would keep its namespace
     * alive in every other mount namespace that has a copy of the mounts.
     */
    private static synchronized void share() {
        if (shared) {
            return;
        }
        try {
            Files.createDirectories(FOLDER);
        } catch (IOException e) {
            throw new FailedException("cannot make the folder " + FOLDER + ": " + e.getMessage(), e);
        }
        // ip takes the same lock, because two processes that mount at the same time would stack the mounts.
        int lock = Libc.open(FOLDER.toString(), Libc.O_RDONLY);
        try {
            int result = lock < 0 ? lock : LibcSockets.lock(lock);
            if (result >= 0) {
                result = LibcSockets.mount("", FOLDER.toString(), LibcSockets.MS_SHARED | LibcSockets.MS_REC);
            }
            if (result == -Libc.EINVAL) { // no mount yet
                result = LibcSockets.mount(
                        FOLDER.toString(), FOLDER.toString(), LibcSockets.MS_BIND | LibcSockets.MS_REC);
                result = result < 0
                        ? result
                        : LibcSockets.mount("", FOLDER.toString(), LibcSockets.MS_SHARED | LibcSockets.MS_REC);
            }
            if (result < 0) {
                throw new FailedException("cannot share the mounts in " + FOLDER + ": " + Libc.error(-result));
            }
        } finally {
            Libc.close(lock);
        }
        shared = true;
    }
}
