/** The sectors of one disk: reading, writing, flushing, and what is known about the hardware. */
@NullMarked
package io.dynamicfs.engine.device;

import org.jspecify.annotations.NullMarked;
