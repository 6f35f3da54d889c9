/** What operator and node agent both need to report: conditions and Events. */
@NullMarked
package io.dynamicfs.crd.report;

import org.jspecify.annotations.NullMarked;
