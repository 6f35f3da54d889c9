/** How a volume is named: to Kubernetes and to the engine. */
@NullMarked
package io.dynamicfs.csi.volume;

import org.jspecify.annotations.NullMarked;
