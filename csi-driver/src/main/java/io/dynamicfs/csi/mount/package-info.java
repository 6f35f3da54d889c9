/** What is mounted where, and how that changes. */
@NullMarked
package io.dynamicfs.csi.mount;

import org.jspecify.annotations.NullMarked;
