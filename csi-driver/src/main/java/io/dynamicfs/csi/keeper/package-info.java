/** Holds what outlives an engine: FUSE connections, and the right to open block devices. */
@NullMarked
package io.dynamicfs.csi.keeper;

import org.jspecify.annotations.NullMarked;
