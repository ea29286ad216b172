package org.allod.edge;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/**
 * Files of an app that the edge serves itself, whether a machine runs or not. A request for any other path goes to a
 * machine.
 *
 * @param places the longest prefix first
 * @param files reads the files
 */
public record Statics(List<Place> places, Files files) {
    public static final Statics NONE = new Statics(List.of(), path -> Optional.empty());

    public Statics {
        places = places.stream()
                .sorted(Comparator.comparingInt((Place p) -> p.prefix().length())
                        .reversed())
                .toList();
    }

    /**
     * Maps requests under {@code prefix} to files under {@code folder}.
     *
     * @param prefix without a final slash, so that the root is the empty string
     * @param folder without a final slash
     * @param index the file served for a path that ends in a slash; empty for none
     */
    public record Place(String prefix, String folder, String index) {
        public Place {
            prefix = bare(prefix);
            folder = bare(folder);
        }

        private static String bare(String path) {
            return path.endsWith("/") ? bare(path.substring(0, path.length() - 1)) : path;
        }
    }

    /** Access to an app's files. May be called by many threads at once. */
    public interface Files {
        /**
         * Opens the file at this path; blocks.
         *
         * @throws IOException if the file cannot be read; the request then goes to a machine
         */
        Optional<Content> open(String path) throws IOException;
    }

    /** An open, immutable file. Read by one thread at a time, closed by any. */
    public interface Content extends AutoCloseable {
        long size();

        Instant modified();

        /** Identifies this content of this file uniquely, in letters and digits. */
        String tag();

        /** Reads at least one byte; blocks. */
        int read(ByteBuffer into, long at) throws IOException;

        @Override
        void close() throws IOException;
    }

    /**
     * The candidate file paths for a request target; empty if no place covers it, or if the target is not written as a
     * plain path: with dot segments, or a percent-encoded slash.
     */
    List<String> candidates(String target) {
        if (places.isEmpty() || !target.startsWith("/")) {
            return List.of();
        }
        int query = target.indexOf('?');
        String path = decoded(query < 0 ? target : target.substring(0, query));
        List<String> all = new ArrayList<>();
        for (Place place : places) {
            if (path.startsWith(place.prefix() + "/")) {
                String rest = path.substring(place.prefix().length());
                if (!rest.endsWith("/")) {
                    all.add(place.folder() + rest);
                } else if (!place.index().isEmpty()) {
                    all.add(place.folder() + rest + place.index());
                }
            }
        }
        return all;
    }

    /** The decoded path, or the empty string if it is not a plain path. */
    private static String decoded(String path) {
        byte[] out = new byte[path.length()];
        int length = 0;
        for (int i = 0; i < path.length(); i++) {
            int c = path.charAt(i);
            if (c == '%') {
                c = i + 2 < path.length() ? hex(path.charAt(i + 1), path.charAt(i + 2)) : -1;
                i += 2;
                if (c <= 0 || c == '/') {
                    return "";
                }
            }
            out[length++] = (byte) c;
        }
        try {
            String text = StandardCharsets.UTF_8
                    .newDecoder()
                    .onMalformedInput(CodingErrorAction.REPORT)
                    .decode(ByteBuffer.wrap(out, 0, length))
                    .toString();
            boolean plain = !text.contains("//") && !(text + "/").contains("/./") && !(text + "/").contains("/../");
            return plain ? text : "";
        } catch (CharacterCodingException e) {
            return "";
        }
    }

    private static int hex(char high, char low) {
        int one = Character.digit(high, 16);
        int two = Character.digit(low, 16);
        return one < 0 || two < 0 || high > 'f' || low > 'f' ? -1 : one * 16 + two;
    }
}
