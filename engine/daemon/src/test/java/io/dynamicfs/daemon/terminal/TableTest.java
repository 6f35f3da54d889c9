package io.dynamicfs.daemon.terminal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.PrintWriter;
import java.io.StringWriter;
import org.junit.jupiter.api.Test;

class TableTest {
    @Test
    void alignsColumnsByTheirWidestCell() {
        StringWriter text = new StringWriter();
        PrintWriter out = new PrintWriter(text);
        new Table("NAME", ">SIZE", "NOTE")
                .row("a", 1, "")
                .row("a-longer-name", 12345, "here")
                .print(out);
        assertThat(text.toString().lines())
                .containsExactly("NAME            SIZE  NOTE", "a                  1", "a-longer-name  12345  here");
    }

    @Test
    void refusesARowOfAnotherWidth() {
        Table table = new Table("A", "B");
        assertThatThrownBy(() -> table.row("only one")).hasMessage("expected 2 cells, found 1");
    }
}
