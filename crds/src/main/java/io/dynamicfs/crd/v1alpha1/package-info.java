/**
 * The custom resources of DynamicFS, group {@code dynamicfs.io}, version {@code v1alpha1}.
 *
 * <p>The classes are the source; {@code crds/manifests/*.yaml} (what {@code kubectl apply} and the Helm chart install)
 * and {@code docs/custom-resources.md} are generated from them and checked in, and a test fails when they differ.
 *
 * <p>Fields that a class does not know are ignored when it reads, so that programs of two versions get along. Who
 * writes a manifest with an unknown field is told by the API server: {@code kubectl} asks it to be strict.
 */
@NullMarked
package io.dynamicfs.crd.v1alpha1;

import org.jspecify.annotations.NullMarked;
