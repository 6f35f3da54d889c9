/** What block devices this node has, what is on them, and which pools they form. */
@NullMarked
package io.dynamicfs.csi.disk;

import org.jspecify.annotations.NullMarked;
