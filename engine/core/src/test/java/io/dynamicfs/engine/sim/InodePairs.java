package io.dynamicfs.engine.sim;

import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Which inode of the engine is which inode of the model, one to one. */
final class InodePairs {
    private final Map<Long, Long> engineOf = new HashMap<>();
    private final Map<Long, Long> modelOf = new HashMap<>();

    void pair(long model, long engine) {
        Long otherEngine = engineOf.get(model);
        Long otherModel = modelOf.get(engine);
        if (otherEngine == null && otherModel == null) {
            engineOf.put(model, engine);
            modelOf.put(engine, model);
        } else if (otherEngine == null || otherModel == null || otherEngine != engine || otherModel != model) {
            throw new SimulationFailure("engine inode " + engine + " is answered for model inode " + model
                    + ", which is engine inode " + otherEngine + "; engine inode " + engine + " is model inode "
                    + otherModel);
        }
    }

    @Nullable
    Long engine(long model) {
        return engineOf.get(model);
    }

    @Nullable
    Long model(long engine) {
        return modelOf.get(engine);
    }

    void drop(long model) {
        Long engine = engineOf.remove(model);
        if (engine != null) {
            modelOf.remove(engine);
        }
    }

    /** Keeps only the inodes that {@code state} has. */
    void retain(ModelState state) {
        engineOf.keySet().removeIf(model -> state.find(model) == null);
        modelOf.values().removeIf(model -> state.find(model) == null);
    }

    InodePairs copy() {
        InodePairs copy = new InodePairs();
        copy.engineOf.putAll(engineOf);
        copy.modelOf.putAll(modelOf);
        return copy;
    }
}
