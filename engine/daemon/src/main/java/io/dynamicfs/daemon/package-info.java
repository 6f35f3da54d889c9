/** The process of the engine and the command that talks to it. */
@NullMarked
package io.dynamicfs.daemon;

import org.jspecify.annotations.NullMarked;
