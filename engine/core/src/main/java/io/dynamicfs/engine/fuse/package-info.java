/** The kernel's FUSE protocol over /dev/fuse, and nothing else. */
@NullMarked
package io.dynamicfs.engine.fuse;

import org.jspecify.annotations.NullMarked;
