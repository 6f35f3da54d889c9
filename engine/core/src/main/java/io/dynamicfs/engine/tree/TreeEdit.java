package io.dynamicfs.engine.tree;

import java.util.List;

/**
 * The version that an editor built, and the edges of the version it started from that the new one no longer contains. Those
 * that have a pointer when the new version is committed are to be freed then; the others were never written.
 */
public record TreeEdit(Tree tree, List<NodeRef> replaced) {}
