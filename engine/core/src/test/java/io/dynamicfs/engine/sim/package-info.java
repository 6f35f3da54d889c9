/**
 * The simulator: the whole engine in one thread under a scheduler with one seed, on disks that lose, tear, misdirect and rot what
 * was written, with deaths of the machine and of the process at any I/O.
 *
 * <p>{@link io.dynamicfs.engine.sim.Simulation} runs a {@link io.dynamicfs.engine.sim.Plan} on a
 * {@link io.dynamicfs.engine.sim.Machine}; a {@link io.dynamicfs.engine.sim.Client} for each volume compares every answer with the
 * {@link io.dynamicfs.engine.sim.Model} and after every death asks the {@link io.dynamicfs.engine.sim.Oracle} whether what is left is
 * a state that the promises allow. {@link io.dynamicfs.engine.sim.Subject} is the engine under test:
 * {@link io.dynamicfs.engine.sim.EngineSubject}, or a {@link io.dynamicfs.engine.sim.ToyEngine} with a chosen bug that shows that the
 * simulator would notice.
 */
@NullMarked
package io.dynamicfs.engine.sim;

import org.jspecify.annotations.NullMarked;
