package io.dynamicfs.engine.tree;

/** Says by its identity which editor may change a node in place. */
final class EditToken {}
