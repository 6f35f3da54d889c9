/** The engine as seen from here: calls, whether it is there, and what it needs when it is back. */
@NullMarked
package io.dynamicfs.csi.engine;

import org.jspecify.annotations.NullMarked;
