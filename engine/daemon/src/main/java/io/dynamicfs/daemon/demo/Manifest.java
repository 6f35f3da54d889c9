package io.dynamicfs.daemon.demo;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongConsumer;
import java.util.stream.Stream;

/** The SHA-256 of files by their name below some root: what was written, to compare with what is read. */
final class Manifest {
    private static final int BUFFER_BYTES = 1 << 20;

    private final Map<Path, String> hashes = new ConcurrentSkipListMap<>();

    /** What reading everything again gave. */
    record Verification(int files, long bytes, List<String> wrong) {}

    void add(Path name, String hash) {
        hashes.put(name, hash);
    }

    int size() {
        return hashes.size();
    }

    /** Reads every file below {@code root} and compares; {@code progress} hears how many are done. */
    Verification verify(Path root, LongConsumer progress) {
        AtomicLong bytes = new AtomicLong();
        AtomicLong done = new AtomicLong();
        List<String> wrong = hashes.entrySet().parallelStream()
                .flatMap(entry -> {
                    Stream<String> finding = compare(root.resolve(entry.getKey()), entry.getValue(), bytes);
                    progress.accept(done.incrementAndGet());
                    return finding;
                })
                .toList();
        return new Verification(hashes.size(), bytes.get(), wrong);
    }

    private static Stream<String> compare(Path file, String expected, AtomicLong bytes) {
        try {
            bytes.addAndGet(Files.size(file));
            String found = hash(file);
            return found.equals(expected)
                    ? Stream.empty()
                    : Stream.of(file + ": expected SHA-256 " + expected + ", found " + found);
        } catch (IOException e) {
            return Stream.of(file + ": " + e);
        }
    }

    static String hash(Path file) throws IOException {
        MessageDigest digest = sha256();
        byte[] buffer = new byte[BUFFER_BYTES];
        try (InputStream in = Files.newInputStream(file)) {
            for (int count = in.read(buffer); count >= 0; count = in.read(buffer)) {
                digest.update(buffer, 0, count);
            }
        }
        return HexFormat.of().formatHex(digest.digest());
    }

    static String hash(byte[] content) {
        return HexFormat.of().formatHex(sha256().digest(content));
    }

    static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }
}
