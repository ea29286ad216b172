package org.allod.machine;

import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.allod.base.RejectedException;

/** Reads {@code config.statics}: the files of the machine's image that the edge serves itself. */
final class StaticReader {
    private static final int MOST = 10;
    private static final int LONGEST = 255;

    private StaticReader() {}

    /**
     * @param mounts volumes, which hide the image's files from the guest and so must not cover what is served
     */
    static List<MachineConfig.Static> read(StrictJsonReader in, List<MachineConfig.Mount> mounts) {
        List<MachineConfig.Static> all = in.objects("statics", StaticReader::one);
        if (all.size() > MOST) {
            throw RejectedException.invalid(
                    "%s has %d entries: at most %d".formatted(in.path("statics"), all.size(), MOST));
        }
        Set<String> prefixes = new HashSet<>();
        for (int i = 0; i < all.size(); i++) {
            String path = in.path("statics") + "[" + i + "]";
            MachineConfig.Static one = all.get(i);
            if (!prefixes.add(one.urlPrefix().replaceAll("/+$", ""))) {
                throw RejectedException.invalid(
                        "%s.url_prefix is %s, which another entry has already".formatted(path, one.urlPrefix()));
            }
            for (MachineConfig.Mount mount : mounts) {
                Path there = Path.of(mount.path());
                Path here = Path.of(one.guestPath());
                if (here.startsWith(there) || there.startsWith(here)) {
                    throw RejectedException.because(
                            RejectedException.Reason.INVALID,
                            "%s.guest_path is %s, and a volume is mounted at %s: what is served is in the image"
                                    .formatted(path, one.guestPath(), mount.path()),
                            "serve a folder of the image, or have the machine's server serve the volume");
                }
            }
        }
        return all;
    }

    private static MachineConfig.Static one(StrictJsonReader in) {
        in.refuse("tigris_bucket", "files are served from the machine's image: there is no object store here");
        MachineConfig.Static one = new MachineConfig.Static(
                path(in, "guest_path", "a folder of the image, such as /app/public"),
                path(in, "url_prefix", "where requests begin, such as /static"),
                in.string("index_document").orElse(""));
        if (one.index().indexOf('/') >= 0
                || one.index().indexOf('\0') >= 0
                || one.index().startsWith("..")
                || one.index().length() > LONGEST) {
            throw RejectedException.invalid("%s is \"%s\": it must be the name of a file, such as index.html"
                    .formatted(in.path("index_document"), StrictJsonReader.clip(one.index())));
        }
        in.done();
        return one;
    }

    /** Refuses ambiguous paths, because the edge compares paths literally. */
    private static String path(StrictJsonReader in, String name, String what) {
        String path = in.string(name)
                .filter(p -> !p.isEmpty())
                .orElseThrow(() -> RejectedException.invalid(in.path(name) + " is missing: " + what));
        String closed = path.endsWith("/") ? path : path + "/";
        boolean good = path.startsWith("/")
                && path.length() <= LONGEST
                && path.chars().noneMatch(c -> c < 0x20 || c == 0x7f || c == '?' || c == '#' || c == '%')
                && !closed.contains("//")
                && !closed.contains("/./")
                && !closed.contains("/../");
        if (!good) {
            throw RejectedException.invalid("%s is \"%s\": it must be an absolute path, plainly written: %s"
                    .formatted(in.path(name), StrictJsonReader.clip(path), what));
        }
        return path;
    }
}
