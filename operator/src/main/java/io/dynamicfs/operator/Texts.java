package io.dynamicfs.operator;

import java.util.List;

/** Lists in messages, bounded: nobody reads the names of a thousand disks. */
final class Texts {
    private static final int ITEMS_MAX = 6;
    private static final int MESSAGE_LENGTH_MAX = 1024;

    private Texts() {}

    static String list(List<String> items) {
        return join(items, ", ");
    }

    /** Whole sentences, one after the other. */
    static String sentences(List<String> items) {
        String text = join(items, "; ");
        return text.length() <= MESSAGE_LENGTH_MAX ? text : text.substring(0, MESSAGE_LENGTH_MAX - 1) + "…";
    }

    static String count(int number, String singular) {
        return number + " " + singular + (number == 1 ? "" : "s");
    }

    private static String join(List<String> items, String separator) {
        if (items.size() <= ITEMS_MAX) {
            return String.join(separator, items);
        }
        return String.join(separator, items.subList(0, ITEMS_MAX)) + separator + (items.size() - ITEMS_MAX) + " more";
    }
}
