/** How a new state becomes durable: roots, intent log, survivor memory, recovery. */
@NullMarked
package io.dynamicfs.engine.commit;

import org.jspecify.annotations.NullMarked;
