/** JMH benchmarks of the engine's kernels and trees, for {@code bench/micro}. */
@NullMarked
package io.dynamicfs.bench.micro;

import org.jspecify.annotations.NullMarked;
