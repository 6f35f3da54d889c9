package io.dynamicfs.csi.engine;

import io.dynamicfs.csi.keeper.KeptConnection;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Told of what a person would want to know of a mount; called from several threads. */
public interface Incidents {
    /** The connection was ended by us: whoever uses the mount gets errors until its pods are started again. */
    void aborted(KeptConnection connection, String why);

    /** The connection ended with the last process that held it. */
    void lost(KeptConnection connection);

    /** Says it in the log only. */
    static Incidents logged() {
        Logger log = LoggerFactory.getLogger(Incidents.class);
        return new Incidents() {
            @Override
            public void aborted(KeptConnection connection, String why) {
                log.error(
                        "event=mount-aborted volume={} source={} staging={} why={}",
                        connection.volume(),
                        connection.source(),
                        connection.staging(),
                        why);
            }

            @Override
            public void lost(KeptConnection connection) {
                log.error(
                        "event=mount-lost volume={} source={} staging={}: start its pods again",
                        connection.volume(),
                        connection.source(),
                        connection.staging());
            }
        };
    }
}
