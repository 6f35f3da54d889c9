package io.dynamicfs.engine.erasure;

import io.dynamicfs.engine.syscall.Isal;
import java.util.ArrayList;
import java.util.List;

/** The kernels that this machine and this virtual machine can run. */
final class Kernels {
    private static final String VECTOR_MODULE = "jdk.incubator.vector";
    private static final List<CodingKernel> AVAILABLE = available();

    private Kernels() {}

    /** Fastest first; the reference is always among them. */
    static List<CodingKernel> all() {
        return AVAILABLE;
    }

    static CodingKernel fastest() {
        return AVAILABLE.getFirst();
    }

    static CodingKernel named(String name) {
        for (CodingKernel kernel : AVAILABLE) {
            if (kernel.name().equals(name)) {
                return kernel;
            }
        }
        throw new IllegalArgumentException("expected a kernel out of "
                + AVAILABLE.stream().map(CodingKernel::name).toList() + ", found \"" + name + "\"");
    }

    private static List<CodingKernel> available() {
        List<CodingKernel> kernels = new ArrayList<>();
        if (Isal.available()) {
            kernels.add(new IsalKernel());
        }
        // The class of the vector kernel is not touched without its module: it could not be linked.
        if (ModuleLayer.boot().findModule(VECTOR_MODULE).isPresent() && VectorKernel.isSupported()) {
            kernels.add(new VectorKernel());
        }
        kernels.add(new ReferenceKernel());
        return List.copyOf(kernels);
    }
}
