/**
 * Mounts with libfuse 2, for hosts where mount(2) is not ours: paths instead of inode numbers, no hand-over, no survival of the
 * engine. docs/posix.md lists what it cannot do.
 */
@NullMarked
package io.dynamicfs.engine.jnr;

import org.jspecify.annotations.NullMarked;
