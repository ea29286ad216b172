package org.allod.powercut;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Parses the output of {@code strace}: lines become system calls, and these become operations on one folder. */
final class StraceParser {
    /** The calls that may change a folder, and those that we must see to know that they did not. */
    static final String CALLS = "open,openat,creat,write,writev,pwrite64,pwritev,pwritev2,ftruncate,truncate,fallocate,"
            + "rename,renameat,renameat2,unlink,unlinkat,rmdir,link,linkat,symlink,symlinkat,mkdir,mkdirat,"
            + "fsync,fdatasync,sync_file_range,sendfile,copy_file_range,mmap";

    private final String root;
    private final String ledger;
    /** Names that are there, to tell an open that makes a file from one that does not. */
    private final Set<String> there = new HashSet<>();

    private StraceParser(Path root, Path ledger) {
        this.root = root.toString();
        this.ledger = ledger.toString();
    }

    /** The moments of a trace of a folder that was empty before. */
    static List<CutPoint> read(Path file, Path root, Path ledger) throws IOException {
        StraceParser trace = new StraceParser(root, ledger);
        Map<Integer, List<CutPoint>> byLine = new TreeMap<>();
        // One character a byte: what is not plain is escaped anyway.
        for (TracedSyscall call : calls(Files.readAllLines(file, StandardCharsets.ISO_8859_1))) {
            DiskOperation op =
                    call.text().contains(trace.root) || call.text().contains(trace.ledger) ? trace.op(call) : null;
            if (op != null) {
                byLine.computeIfAbsent(call.begun(), x -> new ArrayList<>()).add(new CutPoint(op, false));
                byLine.computeIfAbsent(call.returned(), x -> new ArrayList<>()).add(new CutPoint(op, true));
            }
        }
        return byLine.values().stream().flatMap(List::stream).toList();
    }

    /** The calls on files of the folder that {@code strace} refused as a failing disk would. */
    static List<String> injected(Path file, Path root) throws IOException {
        StraceParser trace = new StraceParser(root, root);
        return calls(Files.readAllLines(file, StandardCharsets.ISO_8859_1)).stream()
                .filter(call -> call.text().endsWith("(INJECTED)"))
                .filter(call -> !trace.relative(call.descriptor()).isEmpty())
                .map(call -> call.name() + " of " + trace.relative(call.descriptor()))
                .toList();
    }

    /** In the order in which they began. */
    private static List<TracedSyscall> calls(List<String> lines) {
        Map<Integer, TracedSyscall> calls = new TreeMap<>();
        Map<String, TracedSyscall> unfinished = new HashMap<>();
        for (int i = 0; i < lines.size(); i++) {
            String line = lines.get(i);
            int space = line.indexOf(' ');
            String thread = space < 0 ? "" : line.substring(0, space);
            String text = line.substring(space + 1).strip();
            if (text.endsWith("<unfinished ...>")) {
                String begin = text.substring(0, text.length() - "<unfinished ...>".length());
                unfinished.put(thread, new TracedSyscall(i, i, begin));
            } else if (text.startsWith("<... ")) {
                TracedSyscall begun = unfinished.remove(thread);
                if (begun != null) {
                    String whole = begun.text() + text.substring(text.indexOf('>') + 1);
                    calls.put(begun.begun(), new TracedSyscall(begun.begun(), i, whole));
                }
            } else if (text.indexOf('(') > 0 && text.contains(" = ")) {
                calls.put(i, new TracedSyscall(i, i, text));
            }
        }
        return List.copyOf(calls.values());
    }

    /** What it does to the folder or the ledger; null where that is nothing. */
    private @Nullable DiskOperation op(TracedSyscall call) {
        return switch (call.name()) {
            case "open", "openat", "creat", "mkdir", "mkdirat", "unlink", "unlinkat", "rmdir" -> byPath(call);
            case "rename" -> renaming(call);
            case "renameat", "renameat2", "link", "linkat", "symlink", "symlinkat", "truncate" -> {
                if (call.result() < 0) {
                    yield null;
                }
                throw unknown(call);
            }
            default -> byDescriptor(call);
        };
    }

    private @Nullable DiskOperation byPath(TracedSyscall call) {
        String given = new String(call.quoted(), StandardCharsets.UTF_8);
        // A name in an open folder.
        String path = relative(given.startsWith("/") ? given : call.descriptor() + "/" + given);
        if (path.isEmpty() || call.result() < 0) {
            return null;
        }
        String name = call.name();
        if (name.startsWith("unlink") || name.equals("rmdir")) {
            there.remove(path);
            return new DiskOperation.Remove(path);
        }
        if (name.startsWith("mkdir")) {
            there.add(path);
            return new DiskOperation.Make(path, true);
        }
        if (call.text().contains("O_TRUNC") && there.contains(path)) {
            return new DiskOperation.Resize(path, 0);
        }
        boolean makes = name.equals("creat") || call.text().contains("O_CREAT");
        return makes && there.add(path) ? new DiskOperation.Make(path, false) : null;
    }

    private @Nullable DiskOperation renaming(TracedSyscall call) {
        if (call.result() < 0) {
            return null;
        }
        String from = relative(new String(call.quoted(), StandardCharsets.UTF_8));
        String to = relative(call.lastQuoted());
        if (from.isEmpty() || to.isEmpty()) {
            throw unknown(call); // into the folder or out of it
        }
        List<String> moved = there.stream()
                .filter(path -> path.equals(from) || path.startsWith(from + "/"))
                .toList();
        there.removeIf(path -> path.equals(to) || path.startsWith(to + "/"));
        moved.forEach(there::remove);
        moved.forEach(path -> there.add(to + path.substring(from.length())));
        return new DiskOperation.Rename(from, to);
    }

    private @Nullable DiskOperation byDescriptor(TracedSyscall call) {
        if (call.descriptor().equals(ledger) && call.name().equals("write")) {
            return new DiskOperation.Acknowledge(new String(call.quoted(), StandardCharsets.UTF_8).strip());
        }
        if (call.name().equals("mmap")) {
            return mapping(call);
        }
        String path = relative(call.descriptor());
        boolean itself = call.descriptor().equals(root);
        boolean flush = call.name().equals("fsync") || call.name().equals("fdatasync");
        if (path.isEmpty() && !itself) {
            return null;
        }
        if (call.result() < 0) {
            return flush ? new DiskOperation.FailedFlush(path) : null;
        }
        if (call.deleted() && !flush) {
            throw unknown(call);
        }
        return switch (call.name()) {
            case "fsync", "fdatasync" -> new DiskOperation.Flush(path);
            case "ftruncate" -> new DiskOperation.Resize(path, call.lastNumber());
            case "pwrite64" ->
                new DiskOperation.Write(path, call.lastNumber(), Arrays.copyOf(call.quoted(), (int) call.result()));
            default -> throw unknown(call);
        };
    }

    /** Writes through a mapping are no calls, so nobody sees them. */
    private @Nullable DiskOperation mapping(TracedSyscall call) {
        int from = call.text().indexOf("<" + root);
        boolean ours = from >= 0
                && !relative(call.text().substring(from + 1, call.text().indexOf('>', from)))
                        .isEmpty();
        if (ours && call.text().contains("PROT_WRITE") && call.text().contains("MAP_SHARED")) {
            throw unknown(call);
        }
        return null;
    }

    /** Below the folder; empty for what is elsewhere, or of no importance. */
    private String relative(String path) {
        // SQLite builds its index of the log anew when nobody has the file open.
        return path.startsWith(root + "/") && !path.endsWith("-shm") ? path.substring(root.length() + 1) : "";
    }

    private static IllegalStateException unknown(TracedSyscall call) {
        return new IllegalStateException("a call on the recorded folder that is not modelled: "
                + call.text().substring(0, Math.min(200, call.text().length())));
    }
}
