/** The node's voice in Kubernetes: reports disks and pools, carries out what the operator decided, adopts what it finds. */
@NullMarked
package io.dynamicfs.csi.agent;

import org.jspecify.annotations.NullMarked;
