/** What dynamicfs demo does and shows. */
@NullMarked
package io.dynamicfs.daemon.demo;

import org.jspecify.annotations.NullMarked;
