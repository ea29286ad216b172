package org.allod.edge;

import java.util.HashMap;
import java.util.Locale;
import java.util.Map;

/** The media type for a file name's extension, and which types compress well. */
final class MediaType {
    private static final String OTHER = "application/octet-stream";
    private static final Map<String, String> BY_ENDING = new HashMap<>();

    static {
        for (String line : """
                text/html; charset=utf-8|html htm
                text/css; charset=utf-8|css
                text/javascript; charset=utf-8|js mjs cjs
                text/plain; charset=utf-8|txt text log md
                text/csv; charset=utf-8|csv
                text/xml; charset=utf-8|xml
                text/vtt; charset=utf-8|vtt
                application/json|json map
                application/ld+json|jsonld
                application/manifest+json|webmanifest
                application/feed+json|jsonfeed
                application/rss+xml|rss
                application/atom+xml|atom
                application/xhtml+xml|xhtml
                application/wasm|wasm
                application/pdf|pdf
                application/zip|zip
                application/gzip|gz tgz
                application/x-tar|tar
                image/svg+xml|svg
                image/png|png
                image/jpeg|jpg jpeg
                image/gif|gif
                image/webp|webp
                image/avif|avif
                image/bmp|bmp
                image/vnd.microsoft.icon|ico
                font/woff|woff
                font/woff2|woff2
                font/ttf|ttf
                font/otf|otf
                audio/mpeg|mp3
                audio/ogg|ogg oga
                audio/wav|wav
                video/mp4|mp4 m4v
                video/webm|webm
                video/ogg|ogv""".split("\n", -1)) {
            String[] both = line.split("\\|", 2);
            for (String ending : both[1].split(" ", -1)) {
                BY_ENDING.put(ending, both[0]);
            }
        }
    }

    private MediaType() {}

    /** The type for the last extension of this path. */
    static String of(String path) {
        int dot = path.lastIndexOf('.');
        return dot < path.lastIndexOf('/')
                ? OTHER
                : BY_ENDING.getOrDefault(path.substring(dot + 1).toLowerCase(Locale.ROOT), OTHER);
    }
}
