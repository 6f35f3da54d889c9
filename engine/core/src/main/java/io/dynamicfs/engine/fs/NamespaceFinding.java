package io.dynamicfs.engine.fs;

/** One disagreement between the records of a volume's tree; {@code inode} is 0 when it is about no inode. */
record NamespaceFinding(Problem problem, long inode, String message) {

    enum Problem {
        /** A record's bytes break the format. */
        CORRUPT_RECORD,
        /** A key that no record has. */
        UNKNOWN_RECORD,
        /** Records or names of an inode that does not exist, or no header or root. */
        MISSING_RECORD,
        /** A name, a target or content where the inode's type does not allow it. */
        WRONG_TYPE,
        /** Links that are not the number of names, or of subdirectories and 2. */
        WRONG_LINKS,
        /** A parent that holds no name of the inode. */
        WRONG_PARENT,
        /** A size that is not that of a directory's entries or a link's target. */
        WRONG_SIZE,
        /** A key that does not have the hash of its name, or two entries at one position. */
        WRONG_HASH,
        /** Totals of an inode's extended attributes that its records do not have, or an attribute with missing parts. */
        WRONG_XATTRS,
        /** An inode without names that is not in the list of orphans, or one with names that is. */
        WRONG_ORPHANS,
        /** A directory whose parents never lead to the root. */
        UNREACHABLE
    }
}
