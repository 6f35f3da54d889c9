/** Commands that may hang, in child processes. */
@NullMarked
package io.dynamicfs.csi.process;

import org.jspecify.annotations.NullMarked;
