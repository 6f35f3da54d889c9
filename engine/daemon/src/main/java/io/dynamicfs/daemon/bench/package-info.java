/** How fast a directory is, measured from outside with plain file operations. */
@NullMarked
package io.dynamicfs.daemon.bench;

import org.jspecify.annotations.NullMarked;
