/** The CSI driver's processes: the node plugin and the controller's endpoint. */
@NullMarked
package io.dynamicfs.csi;

import org.jspecify.annotations.NullMarked;
