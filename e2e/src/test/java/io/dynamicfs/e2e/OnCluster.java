package io.dynamicfs.e2e;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.extension.AfterTestExecutionCallback;
import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.jupiter.api.extension.ExecutionCondition;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ExtensionContext.Namespace;
import org.junit.jupiter.api.extension.LifecycleMethodExecutionExceptionHandler;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;

/**
 * Gives tests the one cluster of the run, asks it what happened after a failure, and leaves out the later steps of an ordered
 * class whose earlier step failed: they build on it.
 */
final class OnCluster
        implements ParameterResolver,
                AfterTestExecutionCallback,
                LifecycleMethodExecutionExceptionHandler,
                ExecutionCondition {
    private static final Namespace STORE = Namespace.create(OnCluster.class);

    private static TestCluster cluster(ExtensionContext context) {
        return context.getRoot()
                .getStore(STORE)
                .computeIfAbsent(TestCluster.class, type -> TestCluster.start(), TestCluster.class);
    }

    @Override
    public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
        return parameter.getParameter().getType() == TestCluster.class;
    }

    @Override
    public Object resolveParameter(ParameterContext parameter, ExtensionContext context) {
        return cluster(context);
    }

    @Override
    public void afterTestExecution(ExtensionContext context) {
        context.getExecutionException().ifPresent(failure -> failed(context));
    }

    @Override
    public void handleBeforeAllMethodExecutionException(ExtensionContext context, Throwable failure) throws Throwable {
        failed(context);
        throw failure;
    }

    private static void failed(ExtensionContext context) {
        Class<?> type = context.getRequiredTestClass();
        String test = context.getTestMethod().map(m -> m.getName()).orElse("before");
        context.getRoot().getStore(STORE).put(type, test);
        cluster(context).diagnose(type.getSimpleName() + "." + test);
    }

    @Override
    public ConditionEvaluationResult evaluateExecutionCondition(ExtensionContext context) {
        @Nullable
        Object failed = context.getTestMethod().isPresent()
                        && context.getRequiredTestClass().isAnnotationPresent(TestMethodOrder.class)
                ? context.getRoot().getStore(STORE).get(context.getRequiredTestClass())
                : null;
        return failed == null
                ? ConditionEvaluationResult.enabled("no step before it failed")
                : ConditionEvaluationResult.disabled("it builds on " + failed + ", which failed");
    }
}
