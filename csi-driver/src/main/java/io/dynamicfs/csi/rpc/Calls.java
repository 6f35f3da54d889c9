package io.dynamicfs.csi.rpc;

import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import java.time.Duration;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.MDC;

/**
 * Answers calls: each gets an id, which is in its log lines and in its error, and an answer in time. Work that takes longer
 * goes on by itself and keeps its volume's lock, so that a repeated call cannot meet it.
 */
public final class Calls {
    private static final Logger LOG = LoggerFactory.getLogger(Calls.class);
    /** Changes that may all wait for the engine; whoever only asks needs no room. */
    private static final int AT_ONCE_MAX = 64;

    private final Duration limit;
    private final Function<Exception, Optional<Refusal>> mapper;
    private final String prefix = Long.toString(ProcessHandle.current().pid(), Character.MAX_RADIX);
    private final AtomicLong numbers = new AtomicLong();
    private final Semaphore room = new Semaphore(AT_ONCE_MAX);
    private final Map<String, LongAdder> counts = new ConcurrentSkipListMap<>();

    /** How a call is logged. */
    public enum Kind {
        /** Changes something: always one line. */
        CHANGING,
        /** Asked again and again: a line when it fails. */
        ASKING
    }

    /** {@code mapper} turns failures of the parts below into refusals; what it does not know is our own mistake. */
    public Calls(Duration limit, Function<Exception, Optional<Refusal>> mapper) {
        this.limit = limit;
        this.mapper = mapper;
    }

    /** Runs {@code work} for a call of {@code method} about {@code subject} and answers {@code observer} in any case. */
    public <T> void answer(Kind kind, String method, String subject, StreamObserver<T> observer, Callable<T> work) {
        String id = prefix + "-" + numbers.incrementAndGet();
        long started = System.nanoTime();
        T result;
        try {
            result = bounded(kind, id, method, work);
        } catch (Refusal refusal) {
            log(kind, method, subject, id, refusal.code(), started, refusal);
            observer.onError(refusal.code()
                    .toStatus()
                    .withDescription(refusal.getMessage() + " (request " + id + ")")
                    .asRuntimeException());
            return;
        }
        log(kind, method, subject, id, Status.Code.OK, started, null);
        observer.onNext(result);
        observer.onCompleted();
    }

    /** How many calls ended how, by "method code". */
    public Map<String, Long> counts() {
        Map<String, Long> copy = new TreeMap<>();
        counts.forEach((key, count) -> copy.put(key, count.sum()));
        return copy;
    }

    private <T> T bounded(Kind kind, String id, String method, Callable<T> work) throws Refusal {
        boolean limited = kind == Kind.CHANGING;
        if (limited && !room.tryAcquire()) {
            throw new Refusal(
                    Status.Code.UNAVAILABLE,
                    "expected at most " + AT_ONCE_MAX + " changes at once, found as many at work; call again later");
        }
        FutureTask<T> task = new FutureTask<>(() -> {
            MDC.put("request", id);
            try {
                return work.call();
            } finally {
                if (limited) {
                    room.release();
                }
            }
        });
        Thread.ofPlatform().daemon().name(method + "-" + id).start(task);
        try {
            return task.get(limit.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            throw new Refusal(
                    Status.Code.DEADLINE_EXCEEDED,
                    method + ": expected an end within " + limit.toSeconds()
                            + " s, found it still at work; it goes on, call again",
                    e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new Refusal(Status.Code.UNAVAILABLE, "this process ends; call again", e);
        } catch (ExecutionException e) {
            throw refusal(Objects.requireNonNullElse(e.getCause(), e));
        }
    }

    private Refusal refusal(Throwable failure) {
        if (failure instanceof Refusal refusal) {
            return refusal;
        }
        Optional<Refusal> known = failure instanceof Exception e ? mapper.apply(e) : Optional.empty();
        return known.orElseGet(() -> new Refusal(Status.Code.INTERNAL, String.valueOf(failure), failure));
    }

    private void log(
            Kind kind,
            String method,
            String subject,
            String id,
            Status.Code code,
            long started,
            @Nullable Refusal refusal) {
        counts.computeIfAbsent(method + " " + code, key -> new LongAdder()).increment();
        long millis = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - started);
        if (refusal == null) {
            if (kind == Kind.CHANGING) {
                LOG.info(
                        "event=call method={} volume={} code={} millis={} request={}",
                        method,
                        subject,
                        code,
                        millis,
                        id);
            }
        } else if (code == Status.Code.INTERNAL) {
            LOG.error(
                    "event=call method={} volume={} code={} millis={} request={}",
                    method,
                    subject,
                    code,
                    millis,
                    id,
                    refusal);
        } else {
            LOG.warn(
                    "event=call method={} volume={} code={} millis={} request={} message={}",
                    method,
                    subject,
                    code,
                    millis,
                    id,
                    refusal.getMessage());
        }
    }
}
