/** How a call is answered: bounded in time, with an id, a log line and one code for each failure. */
@NullMarked
package io.dynamicfs.csi.rpc;

import org.jspecify.annotations.NullMarked;
