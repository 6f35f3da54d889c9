/** gRPC on unix sockets: a server, and the client of the engine's control service. */
@NullMarked
package io.dynamicfs.control.grpc;

import org.jspecify.annotations.NullMarked;
