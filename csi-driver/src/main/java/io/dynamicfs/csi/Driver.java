package io.dynamicfs.csi;

/** Who we are to Kubernetes. */
public final class Driver {
    public static final String NAME = "csi.dynamicfs.io";
    public static final String TOPOLOGY_KEY = "topology.dynamicfs.io/node";

    private Driver() {}

    /** The version of the jar, or "development" when run from classes. */
    public static String version() {
        String version = Driver.class.getPackage().getImplementationVersion();
        return version == null ? "development" : version;
    }
}
