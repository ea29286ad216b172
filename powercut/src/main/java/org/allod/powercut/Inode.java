package org.allod.powercut;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.allod.base.Rng;
import org.jspecify.annotations.Nullable;

/** One file: what is certainly on the disk, and what was written since, of which the disk may have any part. */
final class Inode {
    static final int SECTOR = 512;

    private final ArrayDeque<Pending> pending = new ArrayDeque<>();
    private byte[] durable = new byte[0];
    /** What is readable, once that is more than the disk has or will have; null before. */
    private byte @Nullable [] cached;

    private long next;

    private static final class Pending {
        final long number;
        final DiskOperation op;
        boolean returned;

        Pending(long number, DiskOperation op) {
            this.number = number;
            this.op = op;
        }
    }

    void begin(DiskOperation op) {
        pending.add(new Pending(next++, op));
        if (cached != null) {
            cached = applied(cached, op);
        }
    }

    void onReturn(DiskOperation op) {
        pending.stream().filter(p -> p.op.equals(op)).forEach(p -> p.returned = true);
    }

    /**
     * What a flush that begins now will have made durable once it returns: the number of the first change beyond it.
     */
    long mark() {
        return pending.stream()
                .filter(p -> !p.returned)
                .mapToLong(p -> p.number)
                .findFirst()
                .orElse(next);
    }

    void flushed(long mark) {
        while (!pending.isEmpty() && pending.peek().number < mark) {
            durable = applied(durable, pending.remove().op);
        }
    }

    /**
     * The disk refused to take what a flush asked it to. Of what it may hold then we choose the worst: nothing of that, and
     * nothing later either, unless it is written again.
     */
    void flushFailed(long mark) {
        if (cached == null) {
            cached = whole();
        }
        while (!pending.isEmpty() && pending.peek().number < mark) {
            pending.remove();
        }
    }

    /** As whoever reads the file sees it while there is power. */
    byte[] whole() {
        if (cached != null) {
            return cached.clone();
        }
        byte[] content = durable.clone();
        for (Pending p : pending) {
            content = applied(content, p.op);
        }
        return content;
    }

    private static byte[] applied(byte[] content, DiskOperation op) {
        byte[] result = content;
        if (op instanceof DiskOperation.Resize(String path, long size)) {
            result = Arrays.copyOf(content, (int) size);
        } else if (op instanceof DiskOperation.Write(String path, long at, byte[] data)) {
            result = at + data.length <= content.length ? content : Arrays.copyOf(content, (int) at + data.length);
            System.arraycopy(data, 0, result, (int) at, data.length);
        }
        return result;
    }

    /** As a disk may hold it when the power goes now. */
    byte[] cut(CutPolicy chance, Rng rng) {
        List<DiskOperation> ops = new ArrayList<>();
        List<Integer> sizes = new ArrayList<>(List.of(durable.length));
        int longest = durable.length;
        for (Pending p : pending) {
            ops.add(p.op);
            int size = sizes.getLast();
            sizes.add(
                    switch (p.op) {
                        case DiskOperation.Write w -> (int) Math.max(size, w.at() + w.data().length);
                        case DiskOperation.Resize r -> (int) r.size();
                        default -> size;
                    });
            longest = Math.max(longest, sizes.getLast());
        }
        int[] versions = versions(ops, longest, chance, rng);
        byte[] content = Arrays.copyOf(durable, longest);
        for (int i = 0; i < ops.size(); i++) {
            change(content, ops.get(i), versions, i);
        }
        return Arrays.copyOf(content, sizes.get(chance.version(ops.size(), rng)));
    }

    /** For each sector up to which change it is on the disk; -1 for none. */
    private static int[] versions(List<DiskOperation> ops, int longest, CutPolicy chance, Rng rng) {
        int[] versions = new int[longest / SECTOR + 1];
        Arrays.fill(versions, -1);
        for (int i = 0; i < ops.size(); i++) {
            long from = from(ops.get(i));
            long to = to(ops.get(i), longest);
            if (from < to && chance.keepsChange(i, ops.size(), rng)) {
                for (int sector = (int) (from / SECTOR); sector <= (to - 1) / SECTOR; sector++) {
                    if (chance.keepsSector(i, ops.size(), rng)) {
                        versions[sector] = i;
                    }
                }
            }
        }
        return versions;
    }

    private static long from(DiskOperation op) {
        return switch (op) {
            case DiskOperation.Write w -> w.at();
            case DiskOperation.Resize r -> r.size();
            default -> 0;
        };
    }

    /** What is cut off is zeros, should the file grow again. */
    private static long to(DiskOperation op, int longest) {
        return switch (op) {
            case DiskOperation.Write w -> w.at() + w.data().length;
            case DiskOperation.Resize r -> longest;
            default -> 0;
        };
    }

    private static void change(byte[] content, DiskOperation op, int[] versions, int number) {
        long to = to(op, content.length);
        for (long at = from(op); at < to; at = (at / SECTOR + 1) * SECTOR) {
            if (number <= versions[(int) (at / SECTOR)]) {
                int length = (int) (Math.min(to, (at / SECTOR + 1) * SECTOR) - at);
                if (op instanceof DiskOperation.Write w) {
                    System.arraycopy(w.data(), (int) (at - w.at()), content, (int) at, length);
                } else {
                    Arrays.fill(content, (int) at, (int) at + length, (byte) 0);
                }
            }
        }
    }
}
