/** The Linux kernel through the foreign function interface. The only room that uses {@link java.lang.foreign.Linker}. */
@NullMarked
package io.dynamicfs.engine.syscall;

import org.jspecify.annotations.NullMarked;
