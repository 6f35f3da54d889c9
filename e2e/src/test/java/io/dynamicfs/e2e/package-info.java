/** DynamicFS on a real Kubernetes: what a user does, and what happens to it when disks, nodes and pods die. */
@NullMarked
package io.dynamicfs.e2e;

import org.jspecify.annotations.NullMarked;
