/** Reed-Solomon over bytes; replicas are its trivial case. */
@NullMarked
package io.dynamicfs.engine.erasure;

import org.jspecify.annotations.NullMarked;
