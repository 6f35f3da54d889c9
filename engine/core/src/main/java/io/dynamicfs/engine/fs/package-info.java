/** What POSIX means: inodes, directories, file contents, dirty data, quotas, extended attributes. */
@NullMarked
package io.dynamicfs.engine.fs;

import org.jspecify.annotations.NullMarked;
