package io.dynamicfs.engine.mount;

import io.dynamicfs.engine.fs.PosixVolume;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** A volume whose calls a test can look at, hold up or let fail, by the name of the method. */
final class InterceptedVolume {
    /** Runs before the call reaches the volume; true when the call is over with it. */
    interface Interceptor {
        boolean before(Object[] arguments) throws Throwable;
    }

    private final Map<String, Interceptor> interceptors = new ConcurrentHashMap<>();
    private final PosixVolume volume;

    InterceptedVolume(PosixVolume target) {
        volume = (PosixVolume) Proxy.newProxyInstance(
                PosixVolume.class.getClassLoader(), new Class<?>[] {PosixVolume.class}, (proxy, method, arguments) -> {
                    Interceptor interceptor = interceptors.get(method.getName());
                    if (interceptor != null && interceptor.before(arguments)) {
                        return null;
                    }
                    try {
                        return method.invoke(target, arguments);
                    } catch (InvocationTargetException thrown) {
                        throw thrown.getCause();
                    }
                });
    }

    PosixVolume volume() {
        return volume;
    }

    void intercept(String method, Interceptor interceptor) {
        interceptors.put(method, interceptor);
    }

    void release(String method) {
        interceptors.remove(method);
    }
}
