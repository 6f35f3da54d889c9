/** What people see: sizes, tables, progress. */
@NullMarked
package io.dynamicfs.daemon.terminal;

import org.jspecify.annotations.NullMarked;
