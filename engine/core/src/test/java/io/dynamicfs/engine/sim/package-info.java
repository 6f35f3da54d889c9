/** The simulator. */
@NullMarked
package io.dynamicfs.engine.sim;

import org.jspecify.annotations.NullMarked;
