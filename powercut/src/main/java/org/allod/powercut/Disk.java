package org.allod.powercut;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.allod.base.Rng;
import org.jspecify.annotations.Nullable;

/** Plays a recording: the kernel's view of the folder and the disk's, moment by moment. */
final class Disk {
    private final CapturedDirectory root = new CapturedDirectory();
    private final List<String> acknowledged = new ArrayList<>();
    /** Of each flush under way, what it makes durable when it returns. */
    private final IdentityHashMap<DiskOperation, Runnable> flushes = new IdentityHashMap<>();

    void play(CutPoint moment) {
        switch (moment.op()) {
            case DiskOperation.Write w -> change(w.path(), w, moment.returned());
            case DiskOperation.Resize r -> change(r.path(), r, moment.returned());
            case DiskOperation.Flush f -> flush(f, f.path(), moment.returned());
            case DiskOperation.FailedFlush f -> flush(f, f.path(), moment.returned());
            case DiskOperation.Acknowledge a -> {
                if (!moment.returned()) {
                    acknowledged.add(a.line());
                }
            }
            // A name may be on the disk as soon as the call has begun.
            case DiskOperation.Make m -> {
                if (!moment.returned()) {
                    var entry = m.folder()
                            ? new CapturedDirectory.Entry(null, new CapturedDirectory())
                            : new CapturedDirectory.Entry(new Inode(), null);
                    parent(m.path()).put(name(m.path()), entry);
                }
            }
            case DiskOperation.Rename(String from, String to) -> {
                if (!moment.returned()) {
                    CapturedDirectory.Entry entry = entry(from);
                    if (entry == null) {
                        throw new IllegalStateException(
                                "a rename of " + from + ", which the recording did not see made");
                    }
                    parent(from).remove(name(from));
                    parent(to).put(name(to), entry);
                }
            }
            case DiskOperation.Remove r -> {
                if (!moment.returned()) {
                    parent(r.path()).remove(name(r.path()));
                }
            }
        }
    }

    private void change(String path, DiskOperation op, boolean returned) {
        CapturedDirectory.Entry entry = entry(path);
        if (entry == null || entry.file() == null) {
            throw new IllegalStateException("a change of " + path + ", which the recording did not see made");
        }
        if (returned) {
            entry.file().onReturn(op);
        } else {
            entry.file().begin(op);
        }
    }

    private void flush(DiskOperation flush, String path, boolean returned) {
        if (returned) {
            Runnable done = flushes.remove(flush);
            if (done != null) {
                done.run();
            }
            return;
        }
        CapturedDirectory.Entry entry = path.isEmpty() ? new CapturedDirectory.Entry(null, root) : entry(path);
        if (entry == null) {
            // Of a file without a name: nobody will find it again.
            return;
        }
        Inode file = entry.file();
        CapturedDirectory folder = entry.folder();
        if (file != null) {
            long mark = file.mark();
            boolean failed = flush instanceof DiskOperation.FailedFlush;
            flushes.put(flush, failed ? () -> file.flushFailed(mark) : () -> file.flushed(mark));
        } else if (folder != null && flush instanceof DiskOperation.Flush) {
            int mark = folder.mark();
            flushes.put(flush, () -> folder.flushed(mark));
        }
    }

    private CapturedDirectory parent(String path) {
        int slash = path.lastIndexOf('/');
        if (slash < 0) {
            return root;
        }
        CapturedDirectory.Entry entry = entry(path.substring(0, slash));
        if (entry == null || entry.folder() == null) {
            throw new IllegalStateException("no folder for " + path);
        }
        return entry.folder();
    }

    private CapturedDirectory.@Nullable Entry entry(String path) {
        return parent(path).get(name(path));
    }

    private static String name(String path) {
        return path.substring(path.lastIndexOf('/') + 1);
    }

    /** What was acknowledged so far, in order. */
    List<String> acknowledged() {
        return List.copyOf(acknowledged);
    }

    /** Puts there what is readable now, with power. */
    void whole(Path to) throws IOException {
        write(root, to, CapturedDirectory::whole, Inode::whole);
    }

    /** Puts there what a disk may hold if the power goes now. */
    void cut(Path to, Rng rng) throws IOException {
        CutPolicy chance = CutPolicy.draw(rng);
        write(root, to, folder -> folder.cut(chance, rng), file -> file.cut(chance, rng));
    }

    private static void write(
            CapturedDirectory folder,
            Path to,
            Function<CapturedDirectory, Map<String, CapturedDirectory.Entry>> names,
            Function<Inode, byte[]> contents)
            throws IOException {
        Files.createDirectories(to);
        for (var named : names.apply(folder).entrySet()) {
            Path path = to.resolve(named.getKey());
            Inode file = named.getValue().file();
            CapturedDirectory below = named.getValue().folder();
            if (file != null) {
                Files.write(path, contents.apply(file));
            } else if (below != null) {
                write(below, path, names, contents);
            }
        }
    }
}
