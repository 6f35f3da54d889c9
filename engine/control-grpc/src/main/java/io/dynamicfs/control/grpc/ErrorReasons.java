package io.dynamicfs.control.grpc;

import io.dynamicfs.control.v1.ErrorDetail;
import io.grpc.Metadata;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.ProtoUtils;
import org.jspecify.annotations.Nullable;

/** The stable reason that travels with every call that the engine refused. */
public final class ErrorReasons {
    private static final Metadata.Key<ErrorDetail> DETAIL =
            Metadata.Key.of("dynamicfs-error-bin", ProtoUtils.metadataMarshaller(ErrorDetail.getDefaultInstance()));

    private ErrorReasons() {}

    /** The reason of a failed call, or null when no engine gave one, as when none answered. */
    public static @Nullable String of(StatusRuntimeException failure) {
        Metadata trailers = failure.getTrailers();
        ErrorDetail detail = trailers == null ? null : trailers.get(DETAIL);
        return detail == null ? null : detail.getReason();
    }

    /** The trailing metadata that carries {@code reason}. */
    public static Metadata trailers(String reason) {
        Metadata trailers = new Metadata();
        trailers.put(DETAIL, ErrorDetail.newBuilder().setReason(reason).build());
        return trailers;
    }
}
