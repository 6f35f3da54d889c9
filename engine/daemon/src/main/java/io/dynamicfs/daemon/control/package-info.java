/** The control service and its client: gRPC on a unix socket. */
@NullMarked
package io.dynamicfs.daemon.control;

import org.jspecify.annotations.NullMarked;
