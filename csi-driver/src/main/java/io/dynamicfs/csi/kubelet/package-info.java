/** What the kubelet wants beside CSI: registration and probes. */
@NullMarked
package io.dynamicfs.csi.kubelet;

import org.jspecify.annotations.NullMarked;
