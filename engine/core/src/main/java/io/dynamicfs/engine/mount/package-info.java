/** Joins the file system and the FUSE protocol. */
@NullMarked
package io.dynamicfs.engine.mount;

import org.jspecify.annotations.NullMarked;
