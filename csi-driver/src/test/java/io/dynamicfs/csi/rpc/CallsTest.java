package io.dynamicfs.csi.rpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.dynamicfs.csi.rpc.Calls.Kind;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.StreamObserver;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class CallsTest {
    private final Calls calls = new Calls(
            Duration.ofSeconds(60),
            failure -> failure instanceof IllegalStateException
                    ? Optional.of(new Refusal(Status.Code.DATA_LOSS, "mapped"))
                    : Optional.empty());

    private static final class Answer implements StreamObserver<String> {
        private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
        private final AtomicReference<@Nullable String> value = new AtomicReference<>();

        @Override
        public void onNext(String result) {
            value.set(result);
        }

        @Override
        public void onError(Throwable thrown) {
            failure.set(thrown);
        }

        @Override
        public void onCompleted() {}

        Status status() {
            return failure.get() instanceof StatusRuntimeException e ? e.getStatus() : Status.OK;
        }
    }

    private static Answer answer(Calls calls, Callable<String> work) {
        Answer answer = new Answer();
        calls.answer(Kind.CHANGING, "Method", "volume", answer, work);
        return answer;
    }

    @Test
    void everyFailureHasACodeAMessageAndTheRequestsId() {
        assertThat(answer(calls, () -> "fine").value).hasValue("fine");
        Status refused = answer(calls, () -> {
                    throw Refusal.invalid("expected a, found b");
                })
                .status();
        assertThat(refused.getCode()).isEqualTo(Status.Code.INVALID_ARGUMENT);
        assertThat(refused.getDescription()).matches("expected a, found b \\(request [0-9a-z]+-[0-9]+\\)");
        assertThat(answer(calls, () -> {
                            throw new IllegalStateException();
                        })
                        .status()
                        .getCode())
                .isEqualTo(Status.Code.DATA_LOSS);
        assertThat(answer(calls, () -> {
                            throw new NullPointerException("ours");
                        })
                        .status()
                        .getCode())
                .isEqualTo(Status.Code.INTERNAL);
        assertThat(calls.counts()).containsEntry("Method OK", 1L).containsEntry("Method INTERNAL", 1L);
    }

    @Test
    void aCallThatTakesTooLongIsAnsweredAndGoesOn() throws InterruptedException {
        Calls impatient = new Calls(Duration.ofMillis(1), failure -> Optional.empty());
        CountDownLatch answered = new CountDownLatch(1);
        CountDownLatch finished = new CountDownLatch(1);
        Status status = answer(impatient, () -> {
                    answered.await();
                    finished.countDown();
                    return "late";
                })
                .status();
        assertThat(status.getCode()).isEqualTo(Status.Code.DEADLINE_EXCEEDED);
        answered.countDown();
        finished.await();
    }

    @Test
    void aVolumeIsLockedByOneOperationThatIsNamed() throws Refusal {
        VolumeLocks locks = new VolumeLocks();
        VolumeLocks.Held held = locks.acquire("v", "NodeStageVolume");
        assertThatThrownBy(() -> locks.acquire("v", "DeleteVolume"))
                .isInstanceOfSatisfying(
                        Refusal.class, refusal -> assertThat(refusal.code()).isEqualTo(Status.Code.ABORTED))
                .hasMessageContaining("NodeStageVolume at work");
        locks.acquire("w", "DeleteVolume").close();
        held.close();
        locks.acquire("v", "DeleteVolume").close();
    }
}
