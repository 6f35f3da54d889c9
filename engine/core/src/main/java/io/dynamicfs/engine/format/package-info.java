/** The bytes on disk: one class per structure, pure, no I/O. {@code docs/on-disk-format.md} specifies them. */
@NullMarked
package io.dynamicfs.engine.format;

import org.jspecify.annotations.NullMarked;
