@NullMarked
package io.dynamicfs.bench;

import org.jspecify.annotations.NullMarked;
