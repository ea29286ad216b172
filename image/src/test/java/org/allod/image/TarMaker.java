package org.allod.image;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.ByteArrayOutputStream;
import java.util.LinkedHashMap;
import java.util.Map;

/** Writes tar archives that no ordinary tool would. Names hold one character per byte. */
final class TarMaker {
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();

    TarMaker file(String name, String content) {
        return file(name, content.getBytes(ISO_8859_1), 0644);
    }

    TarMaker file(String name, byte[] content, int mode) {
        header('0', name, "", content.length, mode, 0, 0);
        return content(content);
    }

    TarMaker content(byte[] content) {
        out.writeBytes(content);
        out.writeBytes(new byte[(512 - content.length % 512) % 512]);
        return this;
    }

    TarMaker folder(String name) {
        return header('5', name + "/", "", 0, 0755, 0, 0);
    }

    TarMaker symlink(String name, String target) {
        return header('2', name, target, 0, 0777, 0, 0);
    }

    TarMaker hardLink(String name, String target) {
        return header('1', name, target, 0, 0644, 0, 0);
    }

    TarMaker device(String name, int major, int minor) {
        return header('3', name, "", 0, 0600, major, minor);
    }

    /** An extended header for the entry that follows. */
    TarMaker pax(Map<String, String> records) {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        records.forEach((key, value) -> {
            int rest = key.length() + value.length() + 3;
            int length = rest + 1;
            while (length != rest + Integer.toString(length).length()) {
                length++;
            }
            all.writeBytes((length + " " + key + "=" + value + "\n").getBytes(ISO_8859_1));
        });
        header('x', "pax", "", all.size(), 0644, 0, 0);
        return content(all.toByteArray());
    }

    TarMaker header(char type, String name, String link, long size, int mode, int major, int minor) {
        if (name.length() > 100 || link.length() > 100) {
            Map<String, String> records = new LinkedHashMap<>();
            records.put("path", name);
            records.put("linkpath", link);
            if (link.length() <= 100) {
                records.remove("linkpath");
            }
            pax(records);
        }
        byte[] block = new byte[512];
        put(block, 0, name.substring(0, Math.min(100, name.length())));
        put(block, 100, "%07o".formatted(mode));
        put(block, 108, "%07o".formatted(0));
        put(block, 116, "%07o".formatted(0));
        put(block, 124, "%011o".formatted(size));
        put(block, 136, "%011o".formatted(1_600_000_000));
        block[156] = (byte) type;
        put(block, 157, link.substring(0, Math.min(100, link.length())));
        put(block, 257, "ustar\00000");
        put(block, 329, "%07o".formatted(major));
        put(block, 337, "%07o".formatted(minor));
        int sum = 8 * ' ';
        for (byte b : block) {
            sum += b & 0xff;
        }
        put(block, 148, "%06o\0 ".formatted(sum));
        out.writeBytes(block);
        return this;
    }

    private static void put(byte[] block, int at, String text) {
        byte[] bytes = text.getBytes(ISO_8859_1);
        System.arraycopy(bytes, 0, block, at, bytes.length);
    }

    byte[] bytes() {
        ByteArrayOutputStream whole = new ByteArrayOutputStream();
        whole.writeBytes(out.toByteArray());
        whole.writeBytes(new byte[1024]);
        return whole.toByteArray();
    }
}
