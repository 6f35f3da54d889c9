/** BLAKE3 with the chaining values of 16 KiB groups. */
@NullMarked
package io.dynamicfs.engine.hash;

import org.jspecify.annotations.NullMarked;
