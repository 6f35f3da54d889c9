/** The dynamicfs command: what a person types and reads. */
@NullMarked
package io.dynamicfs.daemon.cli;

import org.jspecify.annotations.NullMarked;
