package io.dynamicfs.daemon.control;

import static org.assertj.core.api.Assertions.assertThat;

import io.dynamicfs.control.grpc.ErrorReasons;
import io.dynamicfs.daemon.engine.EngineException;
import io.dynamicfs.engine.commit.PoolException;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class RefusalsTest {
    @ParameterizedTest
    @EnumSource(PoolException.Reason.class)
    void everyRefusalOfAPoolKeepsItsReasonAndMessage(PoolException.Reason reason) {
        StatusRuntimeException refusal = Refusals.of(new PoolException(reason, "expected a, found b. Do c."));
        assertThat(ErrorReasons.of(refusal)).isEqualTo(reason.name());
        assertThat(refusal.getStatus().getDescription()).isEqualTo("expected a, found b. Do c.");
        assertThat(refusal.getStatus().getCode())
                .isNotIn(Status.Code.OK, Status.Code.INTERNAL, Status.Code.UNAVAILABLE);
    }

    @ParameterizedTest
    @EnumSource(EngineException.Reason.class)
    void everyRefusalOfTheEngineKeepsItsReason(EngineException.Reason reason) {
        assertThat(ErrorReasons.of(Refusals.of(new EngineException(reason, "no"))))
                .isEqualTo(reason.name());
    }

    @Test
    void ourOwnMistakesAreInternal() {
        StatusRuntimeException refusal = Refusals.of(new NullPointerException());
        assertThat(refusal.getStatus().getCode()).isEqualTo(Status.Code.INTERNAL);
        assertThat(ErrorReasons.of(refusal)).isEqualTo("INTERNAL");
    }
}
