/** Which space is free, in memory. */
@NullMarked
package io.dynamicfs.engine.alloc;

import org.jspecify.annotations.NullMarked;
