package org.allod.cli;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Maps each field of a TOML file to its line, for errors: the parsing library does not keep positions. Looks only at
 * the starts of lines and at values that span several; the file was parsed before, so it is well-formed.
 */
final class TomlPositions {
    private final Map<String, Integer> lines = new HashMap<>();
    private final Map<String, Integer> tables = new HashMap<>();
    private final String text;
    private int at;
    private int line = 1;
    private String table = "";

    private TomlPositions(String text) {
        this.text = text;
    }

    static TomlPositions of(String text) {
        TomlPositions lines = new TomlPositions(text);
        while (lines.skipBlank()) {
            if (lines.text.charAt(lines.at) == '[') {
                lines.header();
            } else {
                lines.pair();
            }
        }
        return lines;
    }

    /** The line of a field such as {@code services[0].ports[1].port}, or of its container; 0 if neither is known. */
    int line(String path) {
        String here = path;
        while (!here.isEmpty()) {
            Integer found = lines.get(here);
            if (found != null) {
                return found;
            }
            int cut = Math.max(here.lastIndexOf('.'), here.endsWith("]") ? here.lastIndexOf('[') : -1);
            here = cut < 0 ? "" : here.substring(0, cut);
        }
        return 0;
    }

    /** Skips to the next token on a line; returns false at the end. */
    private boolean skipBlank() {
        while (at < text.length()) {
            char c = text.charAt(at);
            if (c == '#') {
                toLineEnd();
            } else if (Character.isWhitespace(c)) {
                step();
            } else {
                return true;
            }
        }
        return false;
    }

    private void step() {
        if (text.charAt(at++) == '\n') {
            line++;
        }
    }

    private void toLineEnd() {
        while (at < text.length() && text.charAt(at) != '\n') {
            at++;
        }
    }

    private void header() {
        boolean many = text.startsWith("[[", at);
        at += many ? 2 : 1;
        List<String> keys = keys(']');
        String path = "";
        for (int i = 0; i < keys.size(); i++) {
            path = path.isEmpty() ? keys.get(i) : path + "." + keys.get(i);
            boolean last = i == keys.size() - 1;
            if (many && last) {
                int index = tables.merge(path, 1, Integer::sum) - 1;
                lines.putIfAbsent(path, line);
                path += "[" + index + "]";
            } else if (tables.containsKey(path)) {
                path += "[" + (tables.get(path) - 1) + "]";
            }
        }
        table = path;
        lines.putIfAbsent(path, line);
        toLineEnd();
    }

    private void pair() {
        int began = line;
        List<String> keys = keys('=');
        String path = table;
        for (String key : keys) {
            path = path.isEmpty() ? key : path + "." + key;
            lines.putIfAbsent(path, began);
        }
        at++;
        value();
    }

    /** Dotted keys up to {@code end}, without quotes. */
    private List<String> keys(char end) {
        List<String> keys = new ArrayList<>();
        StringBuilder key = new StringBuilder();
        while (at < text.length() && text.charAt(at) != end && text.charAt(at) != '\n') {
            char c = text.charAt(at);
            if (c == '"' || c == '\'') {
                int from = ++at;
                while (at < text.length() && text.charAt(at) != c) {
                    at++;
                }
                key.append(text, from, at);
            } else if (c == '.') {
                keys.add(key.toString());
                key.setLength(0);
            } else if (!Character.isWhitespace(c)) {
                key.append(c);
            }
            at++;
        }
        keys.add(key.toString());
        return keys;
    }

    /** Skips a value: it ends with its line, outside brackets and strings. */
    private void value() {
        int depth = 0;
        while (at < text.length()) {
            char c = text.charAt(at);
            if (c == '"' || c == '\'') {
                string(c);
                continue;
            }
            if (c == '#') {
                toLineEnd();
                continue;
            }
            depth += c == '[' || c == '{' ? 1 : c == ']' || c == '}' ? -1 : 0;
            step();
            if (c == '\n' && depth <= 0) {
                return;
            }
        }
    }

    private void string(char quote) {
        String three = String.valueOf(quote).repeat(3);
        boolean many = text.startsWith(three, at);
        String end = many ? three : String.valueOf(quote);
        at += end.length();
        while (at < text.length() && !text.startsWith(end, at)) {
            if (quote == '"' && text.charAt(at) == '\\') {
                step();
            }
            if (at < text.length()) {
                step();
            }
        }
        at = Math.min(text.length(), at + end.length());
    }
}
