package io.dynamicfs.daemon.terminal;

import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;

/** Columns aligned by their widest cell. A header that begins with {@code >} aligns its column to the right. */
public final class Table {
    private final List<String> headers = new ArrayList<>();
    private final List<Boolean> right = new ArrayList<>();
    private final List<List<String>> rows = new ArrayList<>();

    /** One column for each header. */
    public Table(String... columns) {
        for (String column : columns) {
            boolean alignRight = column.startsWith(">");
            headers.add(alignRight ? column.substring(1) : column);
            right.add(alignRight);
        }
    }

    /** Adds a row; there must be one cell for each column. */
    public Table row(Object... cells) {
        if (cells.length != headers.size()) {
            throw new IllegalArgumentException("expected " + headers.size() + " cells, found " + cells.length);
        }
        List<String> row = new ArrayList<>();
        for (Object cell : cells) {
            row.add(String.valueOf(cell));
        }
        rows.add(row);
        return this;
    }

    public void print(PrintWriter out) {
        int[] widths = new int[headers.size()];
        measure(widths, headers);
        rows.forEach(row -> measure(widths, row));
        out.println(line(widths, headers));
        rows.forEach(row -> out.println(line(widths, row)));
    }

    private static void measure(int[] widths, List<String> row) {
        for (int i = 0; i < widths.length; i++) {
            widths[i] = Math.max(widths[i], row.get(i).length());
        }
    }

    private String line(int[] widths, List<String> row) {
        StringBuilder line = new StringBuilder();
        for (int i = 0; i < widths.length; i++) {
            String padding = " ".repeat(widths[i] - row.get(i).length());
            line.append(i == 0 ? "" : "  ");
            line.append(right.get(i) ? padding + row.get(i) : row.get(i) + padding);
        }
        return line.toString().stripTrailing();
    }
}
