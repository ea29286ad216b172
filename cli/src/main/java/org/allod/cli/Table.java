package org.allod.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Columns as wide as their widest cell, never truncated, so that output can be copied. Empty cells show as a dash. */
final class Table {
    private final List<String> head;
    private final List<List<String>> rows = new ArrayList<>();

    Table(String... head) {
        this.head = List.of(head);
    }

    void row(String... cells) {
        rows.add(List.of(cells));
    }

    void print(Console console) {
        rows.replaceAll(row -> row.stream().map(console::cell).toList());
        int[] widths = new int[head.size()];
        for (int c = 0; c < widths.length; c++) {
            widths[c] = head.get(c).length();
            for (List<String> row : rows) {
                widths[c] = Math.max(widths[c], row.get(c).length());
            }
        }
        console.line(console.dim(line(head, widths).toUpperCase(Locale.ROOT)));
        for (List<String> row : rows) {
            console.line(coloured(console, row, widths));
        }
    }

    private String coloured(Console console, List<String> row, int[] widths) {
        if (!console.inColour()) {
            return line(row, widths);
        }
        StringBuilder line = new StringBuilder();
        for (int c = 0; c < row.size(); c++) {
            String padded = pad(row.get(c), c == row.size() - 1 ? 0 : widths[c]);
            line.append(c == 0 ? "" : "  ").append(head.get(c).equals("state") ? console.state(padded) : padded);
        }
        return line.toString();
    }

    private static String line(List<String> cells, int[] widths) {
        StringBuilder line = new StringBuilder();
        for (int c = 0; c < cells.size(); c++) {
            line.append(c == 0 ? "" : "  ").append(pad(cells.get(c), c == cells.size() - 1 ? 0 : widths[c]));
        }
        return line.toString();
    }

    private static String pad(String cell, int width) {
        String text = cell.isEmpty() ? "-" : cell;
        return text + " ".repeat(Math.max(0, width - text.length()));
    }
}
