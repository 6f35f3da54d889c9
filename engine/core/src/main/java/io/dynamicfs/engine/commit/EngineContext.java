package io.dynamicfs.engine.commit;

import io.dynamicfs.engine.device.IoRunner;
import java.time.InstantSource;
import java.util.random.RandomGenerator;

/** What the engine is given by its surroundings: the time of day, randomness for identities, and hands for its I/O. */
public record EngineContext(InstantSource clock, RandomGenerator random, IoRunner io) {}
