/** The engine's process: pools, disks, mounts and the threads that keep them durable. */
@NullMarked
package io.dynamicfs.daemon.engine;

import org.jspecify.annotations.NullMarked;
