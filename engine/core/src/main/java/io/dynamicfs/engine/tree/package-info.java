/** The copy-on-write B+tree: immutable snapshots for readers, one editor. */
@NullMarked
package io.dynamicfs.engine.tree;

import org.jspecify.annotations.NullMarked;
