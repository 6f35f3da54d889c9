/** The CSI services. */
@NullMarked
package io.dynamicfs.csi.service;

import org.jspecify.annotations.NullMarked;
