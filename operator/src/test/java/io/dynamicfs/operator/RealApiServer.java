package io.dynamicfs.operator;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import java.util.Objects;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.jupiter.api.extension.ExecutionCondition;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;

/** For tests that need a kube-apiserver: one for the class, handed in as {@link ApiServer}. */
@Target(ElementType.TYPE)
@Retention(RetentionPolicy.RUNTIME)
@ExtendWith(RealApiServer.Extension.class)
@interface RealApiServer {
    /** Starts it before the first test, ends it after the last. */
    final class Extension implements ExecutionCondition, BeforeAllCallback, ParameterResolver {
        private static final ExtensionContext.Namespace STORE = ExtensionContext.Namespace.create(RealApiServer.class);

        @Override
        public ConditionEvaluationResult evaluateExecutionCondition(ExtensionContext context) {
            return ApiServer.isInstalled()
                    ? ConditionEvaluationResult.enabled("kube-apiserver and etcd are there")
                    : ConditionEvaluationResult.disabled("no kube-apiserver and etcd in " + ApiServer.binaries()
                            + "; build them with: e2e/cluster/cluster build");
        }

        @Override
        public void beforeAll(ExtensionContext context) throws Exception {
            context.getStore(STORE).put(ApiServer.class, ApiServer.start());
        }

        @Override
        public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
            return parameter.getParameter().getType() == ApiServer.class;
        }

        @Override
        public Object resolveParameter(ParameterContext parameter, ExtensionContext context) {
            return Objects.requireNonNull(context.getStore(STORE).get(ApiServer.class, ApiServer.class));
        }
    }
}
