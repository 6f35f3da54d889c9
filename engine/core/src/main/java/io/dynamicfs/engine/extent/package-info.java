/** Extents and their fragments: placement, encoding, writing, verifying, reading, reconstructing. */
@NullMarked
package io.dynamicfs.engine.extent;

import org.jspecify.annotations.NullMarked;
