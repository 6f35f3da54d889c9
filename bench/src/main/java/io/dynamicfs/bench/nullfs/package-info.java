/** A file system in memory behind the engine's FUSE transport: what the transport costs without an engine. */
@NullMarked
package io.dynamicfs.bench.nullfs;

import org.jspecify.annotations.NullMarked;
