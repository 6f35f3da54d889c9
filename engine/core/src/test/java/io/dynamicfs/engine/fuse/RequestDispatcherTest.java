package io.dynamicfs.engine.fuse;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;
import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;

import io.dynamicfs.engine.syscall.Errno;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

class RequestDispatcherTest {
    private static final int PAGE_BYTES = 4096;
    private static final long UNIQUE = 42;
    private static final long NODE = 9;

    private final RecordingHandler handler = new RecordingHandler();
    private final RecordingChannel channel = new RecordingChannel();
    private final CompletableFuture<Negotiated> negotiated = new CompletableFuture<>();
    private final RequestDispatcher dispatcher = new RequestDispatcher(handler, channel, PAGE_BYTES, negotiated);
    private final MemorySegment reply = Arena.ofAuto().allocate(ReplyLayout.BODY + (1 << 20) + 4096, 8);

    private static final class RecordingChannel implements ReplyChannel {
        final List<byte[]> sent = new ArrayList<>();
        final List<Long> changed = new ArrayList<>();
        int held;

        @Override
        public void send(long address, long bytes) {
            sent.add(MemorySegment.ofAddress(address).reinterpret(bytes).toArray(JAVA_BYTE));
        }

        @Override
        public void attributesChanged(long inode) {
            changed.add(inode);
        }

        @Override
        public boolean retain() {
            held++;
            return true;
        }

        @Override
        public void release() {
            held--;
        }
    }

    private static RequestBytes request(Opcode opcode) {
        return new RequestBytes(opcode.number(), UNIQUE, NODE);
    }

    /** Serves with old bytes in the reply buffer, which must not shine through. */
    private int serve(FuseRequest request) {
        reply.fill((byte) 0xa5);
        return dispatcher.serve(request, reply);
    }

    private void assertHeader(int length, int error) {
        assertThat(reply.get(JAVA_INT, 0)).isEqualTo(length);
        assertThat(reply.get(JAVA_INT, 4)).isEqualTo(error);
        assertThat(reply.get(JAVA_LONG, 8)).isEqualTo(UNIQUE);
    }

    private void assertAttributesAt(int offset) {
        NodeAttributes node = RecordingHandler.NODE;
        assertThat(reply.get(JAVA_LONG, offset)).isEqualTo(77);
        assertThat(reply.get(JAVA_LONG, offset + 8)).isEqualTo(node.size());
        assertThat(reply.get(JAVA_LONG, offset + 16)).isEqualTo(node.blocks());
        assertThat(reply.get(JAVA_LONG, offset + 24)).isEqualTo(1);
        assertThat(reply.get(JAVA_LONG, offset + 32)).isEqualTo(-3);
        assertThat(reply.get(JAVA_LONG, offset + 40)).isEqualTo(5);
        assertThat(reply.get(JAVA_INT, offset + 48)).isEqualTo(2);
        assertThat(reply.get(JAVA_INT, offset + 52)).isEqualTo(4);
        assertThat(reply.get(JAVA_INT, offset + 56)).isEqualTo(6);
        assertThat(reply.get(JAVA_INT, offset + 60)).isEqualTo(0100640);
        assertThat(reply.get(JAVA_INT, offset + 64)).isEqualTo(3);
        assertThat(reply.get(JAVA_INT, offset + 68)).isEqualTo(10);
        assertThat(reply.get(JAVA_INT, offset + 72)).isEqualTo(11);
        assertThat(reply.get(JAVA_INT, offset + 76)).isEqualTo(0x0010_0203);
        assertThat(reply.get(JAVA_INT, offset + 80)).isEqualTo(4096);
        assertThat(reply.get(JAVA_INT, offset + 84)).isZero();
    }

    @Test
    void lookupAnswersWithAnEntryThatStaysValid() {
        assertThat(serve(request(Opcode.LOOKUP).name("a b").request())).isEqualTo(16 + 128);

        assertThat(handler.calls).containsExactly("lookup 9 a b");
        assertHeader(144, 0);
        assertThat(reply.get(JAVA_LONG, 16)).isEqualTo(77);
        assertThat(reply.get(JAVA_LONG, 24)).isZero();
        assertThat(reply.get(JAVA_LONG, 32)).isEqualTo(RequestDispatcher.VALID_SECONDS);
        assertThat(reply.get(JAVA_LONG, 40)).isEqualTo(RequestDispatcher.VALID_SECONDS);
        assertThat(reply.get(JAVA_LONG, 48)).isZero();
        assertAttributesAt(56);
    }

    @Test
    void aNameThatDoesNotExistIsAnEntryWithoutNode() {
        handler.knowsNames = false;

        assertThat(serve(request(Opcode.LOOKUP).name("no").request())).isEqualTo(144);

        assertHeader(144, 0);
        assertThat(reply.get(JAVA_LONG, 16)).isZero();
        assertThat(reply.get(JAVA_LONG, 32)).isEqualTo(RequestDispatcher.VALID_SECONDS);
    }

    @Test
    void attributesComeWithTheTimeTheyAreValid() {
        assertThat(serve(request(Opcode.GETATTR).u32(0).u32(0).u64(0).request()))
                .isEqualTo(16 + 16 + 88);

        assertHeader(120, 0);
        assertThat(reply.get(JAVA_LONG, 16)).isEqualTo(RequestDispatcher.VALID_SECONDS);
        assertThat(reply.get(JAVA_LONG, 24)).isZero();
        assertAttributesAt(32);
    }

    @Test
    void statxTellsTheTimeOfBirthAndTheDeviceNumber() {
        assertThat(serve(request(Opcode.STATX)
                        .u32(0)
                        .u32(0)
                        .u64(0)
                        .u32(0)
                        .u32(0xfff)
                        .request()))
                .isEqualTo(16 + 32 + 256);

        int stat = 48;
        assertThat(reply.get(JAVA_INT, stat)).isEqualTo(0xfff);
        assertThat(reply.get(JAVA_INT, stat + 16)).isEqualTo(3);
        assertThat(reply.get(JAVA_SHORT, stat + 28)).isEqualTo((short) 0100640);
        assertThat(reply.get(JAVA_LONG, stat + 32)).isEqualTo(77);
        assertThat(reply.get(JAVA_LONG, stat + 40)).isEqualTo(5_000_000_000L);
        assertThat(reply.get(JAVA_LONG, stat + 64)).isEqualTo(1);
        assertThat(reply.get(JAVA_LONG, stat + 80)).isEqualTo(7);
        assertThat(reply.get(JAVA_INT, stat + 88)).isEqualTo(8);
        assertThat(reply.get(JAVA_LONG, stat + 96)).isEqualTo(5);
        assertThat(reply.get(JAVA_LONG, stat + 112)).isEqualTo(-3);
        assertThat(reply.get(JAVA_INT, stat + 128)).isEqualTo(2);
        assertThat(reply.get(JAVA_INT, stat + 132)).isEqualTo(0x103);
    }

    @Test
    void setattrTakesOnlyTheFieldsThatAreMarkedValid() {
        int sizeAndModifiedAndKill = 1 << 3 | 1 << 5 | 1 << 11;
        serve(setattr(sizeAndModifiedAndKill));
        serve(setattr(1 | 1 << 1 | 1 << 2 | 1 << 4));

        assertThat(handler.calls)
                .containsExactly(
                        "setAttributes 9 " + new NodeChange(null, null, null, 123L, null, new FuseTime(22, 32), true),
                        "setAttributes 9 "
                                + new NodeChange(0100600, 501, 502, null, new FuseTime(21, 31), null, false));
    }

    private static FuseRequest setattr(int valid) {
        return request(Opcode.SETATTR)
                .u32(valid)
                .u32(0)
                .u64(0)
                .u64(123)
                .u64(0)
                .u64(21)
                .u64(22)
                .u64(23)
                .u32(31)
                .u32(32)
                .u32(33)
                .u32(0100600)
                .u32(0)
                .u32(501)
                .u32(502)
                .u32(0)
                .request();
    }

    @Test
    void namesAndModesOfNewNodesAreDecoded() {
        serve(request(Opcode.MKDIR).u32(0750).u32(022).name("dir").request());
        serve(request(Opcode.MKNOD)
                .u32(0010644)
                .u32(5)
                .u32(022)
                .u32(0)
                .name("pipe")
                .request());
        serve(request(Opcode.MKNOD).u32(0644).u32(0).u32(0).u32(0).name("file").request());
        serve(request(Opcode.SYMLINK).name("link").name("to/where").request());
        serve(request(Opcode.LINK).u64(55).name("second").request());

        assertThat(handler.calls)
                .containsExactly(
                        "make 9 dir 40750 0 by 1000:1001 umask 22",
                        "make 9 pipe 10644 5 by 1000:1001 umask 22",
                        "make 9 file 100644 0 by 1000:1001 umask 0",
                        "symlink 9 link to/where",
                        "link 9 55 second");
    }

    @Test
    void createAnswersWithTheEntryAndTheOpenFile() {
        int length = serve(request(Opcode.CREATE)
                .u32(0x8241)
                .u32(0100644)
                .u32(022)
                .u32(0)
                .name("new")
                .request());

        assertThat(length).isEqualTo(16 + 128 + 16);
        assertThat(handler.calls).containsExactly("create 9 new 100644 " + 0x8241 + " umask 22");
        assertThat(reply.get(JAVA_LONG, 144)).isZero();
        assertThat(reply.get(JAVA_INT, 152)).isEqualTo(FuseHandler.OPEN_KEEP_CACHE);
        assertThat(reply.get(JAVA_INT, 156)).isZero();
    }

    @Test
    void aFileWithoutANameIsMadeAndOpened() {
        int length = serve(request(Opcode.TMPFILE)
                .u32(0x410002)
                .u32(0100600)
                .u32(022)
                .u32(0)
                .name("")
                .request());

        assertThat(length).isEqualTo(16 + 128 + 16);
        assertThat(handler.calls).containsExactly("createUnnamed 9 600 " + 0x410002 + " umask 22");
    }

    @Test
    void setxattrHasMoreFlagsWhereThatWasAgreedOn() {
        dispatcher.resume(new Negotiated(41, 0, Negotiated.SETXATTR_EXTENSION, 256));
        for (int more : new int[] {0, 1}) {
            serve(request(Opcode.SETXATTR)
                    .u32(5)
                    .u32(1)
                    .u32(more)
                    .u32(0)
                    .name("user.a")
                    .data("va\0ue".getBytes(ISO_8859_1))
                    .request());
        }

        assertThat(handler.calls)
                .containsExactly("setXattr 9 user.a va\0ue 1", "setXattr 9 user.a va\0ue 1 kills set-group-id");
    }

    @Test
    void namesAreRemovedAndMoved() {
        serve(request(Opcode.UNLINK).name("a").request());
        serve(request(Opcode.RMDIR).name("b").request());
        serve(request(Opcode.RENAME).u64(12).name("old").name("new").request());
        assertThat(serve(request(Opcode.RENAME2)
                        .u64(12)
                        .u32(2)
                        .u32(0)
                        .name("old")
                        .name("new")
                        .request()))
                .isEqualTo(16);

        assertThat(handler.calls)
                .containsExactly("unlink 9 a", "removeDirectory 9 b", "rename 9 old 12 new 0", "rename 9 old 12 new 2");
        assertHeader(16, 0);
    }

    @Test
    void namesMayBeAnyBytesButZeroAndSlash() {
        String name = "\u00ff\u0080\u0001" + "x".repeat(252);

        serve(request(Opcode.LOOKUP).name(name).request());

        assertThat(handler.calls).containsExactly("lookup 9 " + name);
    }

    @Test
    void copyNamesBothFilesAndAnswersWithHowMuchWasCopied() {
        int length = serve(request(Opcode.COPY_FILE_RANGE)
                .u64(3)
                .u64(4096)
                .u64(12)
                .u64(4)
                .u64(8192)
                .u64(1L << 40)
                .u64(0)
                .request());

        assertThat(handler.calls).containsExactly("copy 9 4096 12 8192 1073741824");
        assertThat(length).isEqualTo(16 + 8);
        assertHeader(24, 0);
        assertThat(reply.get(JAVA_INT, 16)).isEqualTo((1 << 30) - 1);
    }

    @Test
    void readAnswersWithTheBytesOfTheFile() {
        handler.value = "content".getBytes(ISO_8859_1);

        int length = serve(request(Opcode.READ)
                .u64(0)
                .u64(8192)
                .u32(4096)
                .u32(0)
                .u64(0)
                .u32(0x40000)
                .u32(0)
                .request());

        assertThat(handler.calls).containsExactly("read 9 8192 4096 262144");
        assertThat(length).isEqualTo(16 + 7);
        assertHeader(23, 0);
        assertThat(reply.asSlice(16, 7).toArray(JAVA_BYTE)).isEqualTo(handler.value);
    }

    @Test
    void writeHandsOverTheDataAndAnswersItsSize() {
        int length = serve(request(Opcode.WRITE)
                .u64(0)
                .u64(1L << 40)
                .u32(5)
                .u32(RequestLayout.WRITE_KILL_PRIVILEGES)
                .u64(0)
                .u32(0)
                .u32(0)
                .data("bytes".getBytes(ISO_8859_1))
                .request());

        assertThat(handler.calls).containsExactly("write 9 " + (1L << 40) + " bytes true");
        assertThat(length).isEqualTo(24);
        assertThat(reply.get(JAVA_INT, 16)).isEqualTo(5);
        assertThat(reply.get(JAVA_INT, 20)).isZero();
    }

    @Test
    void theDataOfAWriteIsASliceOfTheRequest() {
        FuseRequest request = request(Opcode.WRITE)
                .u64(0)
                .u64(0)
                .u32(3)
                .u32(0)
                .u64(0)
                .u32(0)
                .u32(0)
                .data(new byte[3])
                .request();

        MemorySegment data = request.dataAt(RequestLayout.WRITE_DATA, 3);

        assertThat(data.address() - request.dataAt(0, 1).address()).isEqualTo(80);
    }

    @Test
    void spaceIsAllocatedInTheModeThatWasAskedFor() {
        assertThat(serve(request(Opcode.FALLOCATE)
                        .u64(1)
                        .u64(4096)
                        .u64(10_000)
                        .u32(3)
                        .u32(0)
                        .request()))
                .isEqualTo(16);

        assertHeader(16, 0);
        assertThat(handler.calls).containsExactly("allocate 9 4096 10000 3");
    }

    @Test
    void dataAndHolesAreLookedFor() {
        assertThat(serve(request(Opcode.LSEEK).u64(1).u64(80).u32(4).u32(0).request()))
                .isEqualTo(24);
        assertThat(serve(request(Opcode.LSEEK).u64(1).u64(70).u32(3).u32(0).request()))
                .isEqualTo(24);

        assertThat(handler.calls).containsExactly("seek 9 80 true", "seek 9 70 false");
        assertHeader(24, 0);
        assertThat(reply.get(JAVA_LONG, ReplyLayout.BODY)).isEqualTo(71);
    }

    @Test
    void onlyDataAndHolesCanBeLookedFor() {
        serve(request(Opcode.LSEEK).u64(1).u64(80).u32(2).u32(0).request());

        assertHeader(16, -22);
        assertThat(handler.calls).isEmpty();
    }

    @Test
    void aClosedFileIsReleasedWithTheFlagsItWasOpenedWith() {
        assertThat(serve(request(Opcode.RELEASE).u64(1).u32(02001).u32(0).u64(0).request()))
                .isEqualTo(16);

        assertThat(handler.calls).containsExactly("release 9 1025");
    }

    @Test
    void aSyncIsAnsweredOnceWhenItIsDurable() {
        assertThat(serve(request(Opcode.FSYNC).u64(0).u32(1).u32(0).request())).isEqualTo(RequestDispatcher.NO_REPLY);
        assertThat(handler.calls).containsExactly("sync 9 true");
        assertThat(channel.sent).isEmpty();
        assertThat(channel.held).isEqualTo(1);

        ParkedReply parked = Objects.requireNonNull(handler.parked);
        parked.fail(Errno.EIO);
        parked.succeed();

        assertThat(channel.sent).hasSize(1);
        MemorySegment sent = MemorySegment.ofArray(channel.sent.getFirst());
        assertThat(sent.byteSize()).isEqualTo(16);
        assertThat(sent.get(JAVA_INT.withByteAlignment(1), 4)).isEqualTo(-5);
        assertThat(sent.get(JAVA_LONG.withByteAlignment(1), 8)).isEqualTo(UNIQUE);
        assertThat(channel.held).isZero();
    }

    @Test
    void aSyncThatThrowsIsAnsweredAtOnce() {
        handler.failure = new IllegalStateException("broken");

        assertThat(serve(request(Opcode.FSYNCDIR).u64(0).u32(0).u32(0).request()))
                .isEqualTo(RequestDispatcher.NO_REPLY);

        assertThat(handler.calls).containsExactly("sync 9 false", "errno broken");
        assertThat(channel.sent).hasSize(1);
    }

    @Test
    void forgetsAreNotAnswered() {
        assertThat(serve(request(Opcode.FORGET).u64(3).request())).isEqualTo(RequestDispatcher.NO_REPLY);
        assertThat(serve(request(Opcode.BATCH_FORGET)
                        .u32(2)
                        .u32(0)
                        .u64(5)
                        .u64(1)
                        .u64(6)
                        .u64(7)
                        .request()))
                .isEqualTo(RequestDispatcher.NO_REPLY);
        assertThat(serve(request(Opcode.INTERRUPT).u64(UNIQUE).request())).isEqualTo(RequestDispatcher.NO_REPLY);

        assertThat(handler.calls).containsExactly("forget 9 3", "forget 5 1", "forget 6 7");
    }

    @Test
    void aTruncatedForgetIsNotAnsweredEither() {
        assertThat(serve(
                        request(Opcode.BATCH_FORGET).u32(2).u32(0).u64(5).u64(1).request()))
                .isEqualTo(RequestDispatcher.NO_REPLY);
    }

    @Test
    void theLengthOfAnXattrIsAnsweredWhereOnlyThatIsAsked() {
        handler.value = "value".getBytes(ISO_8859_1);
        handler.names = List.of("user.a".getBytes(ISO_8859_1), "user.bc".getBytes(ISO_8859_1));

        assertThat(serve(request(Opcode.GETXATTR).u32(0).u32(0).name("user.a").request()))
                .isEqualTo(24);
        assertThat(reply.get(JAVA_INT, 16)).isEqualTo(5);
        assertThat(serve(request(Opcode.LISTXATTR).u32(0).u32(0).request())).isEqualTo(24);
        assertThat(reply.get(JAVA_INT, 16)).isEqualTo(15);
    }

    @Test
    void anXattrThatDoesNotFitIsARangeError() {
        handler.value = "value".getBytes(ISO_8859_1);

        assertThat(serve(request(Opcode.GETXATTR).u32(4).u32(0).name("user.a").request()))
                .isEqualTo(16);
        assertHeader(16, -34);
        assertThat(serve(request(Opcode.GETXATTR).u32(5).u32(0).name("user.a").request()))
                .isEqualTo(21);
        assertThat(reply.asSlice(16, 5).toArray(JAVA_BYTE)).isEqualTo(handler.value);
    }

    @Test
    void xattrNamesAreListedWithAZeroByteBehindEach() {
        handler.names = List.of("user.a".getBytes(ISO_8859_1), "user.bc".getBytes(ISO_8859_1));

        assertThat(serve(request(Opcode.LISTXATTR).u32(100).u32(0).request())).isEqualTo(31);

        assertThat(new String(reply.asSlice(16, 15).toArray(JAVA_BYTE), ISO_8859_1))
                .isEqualTo("user.a\0user.bc\0");
    }

    @Test
    void setxattrHasTheValueBehindTheName() {
        serve(request(Opcode.SETXATTR)
                .u32(5)
                .u32(1)
                .name("user.a")
                .data("va\0ue".getBytes(ISO_8859_1))
                .request());
        serve(request(Opcode.REMOVEXATTR).name("user.a").request());

        assertThat(handler.calls).containsExactly("setXattr 9 user.a va\0ue 1", "removeXattr 9 user.a");
    }

    @Test
    void directoryEntriesArePaddedToEightBytes() {
        handler.names = List.of(".".getBytes(ISO_8859_1), "12345678".getBytes(ISO_8859_1));

        int length = serve(request(Opcode.READDIR)
                .u64(0)
                .u64(10)
                .u32(4096)
                .u32(0)
                .u64(0)
                .u32(0)
                .u32(0)
                .request());

        assertThat(handler.calls).containsExactly("readDirectory 9 10");
        assertThat(length).isEqualTo(16 + 32 + 32);
        assertThat(reply.get(JAVA_LONG, 16)).isEqualTo(77);
        assertThat(reply.get(JAVA_LONG, 24)).isEqualTo(11);
        assertThat(reply.get(JAVA_INT, 32)).isEqualTo(1);
        assertThat(reply.get(JAVA_INT, 36)).isEqualTo(8);
        assertThat(reply.asSlice(40, 8).toArray(JAVA_BYTE)).containsExactly('.', 0, 0, 0, 0, 0, 0, 0);
        assertThat(reply.get(JAVA_LONG, 56)).isEqualTo(12);
        assertThat(new String(reply.asSlice(72, 8).toArray(JAVA_BYTE), ISO_8859_1))
                .isEqualTo("12345678");
    }

    @Test
    void readdirplusHasNodesForEverythingButDotAndDotDot() {
        handler.names = List.of(".".getBytes(ISO_8859_1), "..".getBytes(ISO_8859_1), "file".getBytes(ISO_8859_1));

        int length = serve(request(Opcode.READDIRPLUS)
                .u64(0)
                .u64(0)
                .u32(4096)
                .u32(0)
                .u64(0)
                .u32(0)
                .u32(0)
                .request());

        int record = 128 + 32;
        assertThat(length).isEqualTo(16 + 3 * record);
        assertThat(reply.get(JAVA_LONG, 16)).isZero();
        assertThat(reply.get(JAVA_LONG, 16 + record)).isZero();
        assertThat(reply.get(JAVA_LONG, 16 + 2 * record)).isEqualTo(77);
        assertAttributesAt(16 + 2 * record + 40);
        assertThat(reply.get(JAVA_LONG, 16 + 2 * record + 128)).isEqualTo(77);
    }

    @Test
    void anEntryThatDoesNotFitEndsTheListing() {
        handler.names = List.of(
                "a".getBytes(ISO_8859_1),
                "b".getBytes(ISO_8859_1),
                "c".repeat(20).getBytes(ISO_8859_1));

        int length = serve(request(Opcode.READDIR)
                .u64(0)
                .u64(0)
                .u32(100)
                .u32(0)
                .u64(0)
                .u32(0)
                .u32(0)
                .request());

        assertThat(length).isEqualTo(16 + 64);
        assertThat(handler.calls).containsExactly("readDirectory 9 0", "full at 2");
    }

    @Test
    void statisticsFillTheWholeStructure() {
        assertThat(serve(request(Opcode.STATFS).request())).isEqualTo(96);

        assertThat(reply.get(JAVA_LONG, 16)).isEqualTo(100);
        assertThat(reply.get(JAVA_LONG, 24)).isEqualTo(40);
        assertThat(reply.get(JAVA_LONG, 32)).isEqualTo(40);
        assertThat(reply.get(JAVA_LONG, 40)).isEqualTo(50);
        assertThat(reply.get(JAVA_LONG, 48)).isEqualTo(20);
        assertThat(reply.get(JAVA_INT, 56)).isEqualTo(4096);
        assertThat(reply.get(JAVA_INT, 60)).isEqualTo(255);
        assertThat(reply.get(JAVA_INT, 64)).isEqualTo(4096);
        assertThat(reply.asSlice(68, 28).toArray(JAVA_BYTE)).containsOnly(0);
    }

    @Test
    void unknownOperationsAreNotImplemented() {
        for (int opcode : new int[] {0, 7, 25, 31, 34, 39, 50, 53, 4096, -1, Integer.MIN_VALUE}) {
            assertThat(serve(new RequestBytes(opcode, UNIQUE, NODE).request())).isEqualTo(16);
            assertHeader(16, -38);
        }
        assertThat(handler.calls).isEmpty();
    }

    @Test
    void whatAHandlerThrowsBecomesAnErrorNumber() {
        handler.failure = new UnsupportedOperationException("never");
        assertThat(serve(request(Opcode.STATFS).request())).isEqualTo(16);
        assertHeader(16, -95);

        handler.failure = new StackOverflowError("deep");
        assertThat(serve(request(Opcode.STATFS).request())).isEqualTo(16);
        assertHeader(16, -5);
    }

    @Test
    void aResentRequestIsAnsweredUnderItsMarkedNumber() {
        long marked = UNIQUE | Long.MIN_VALUE;
        FuseRequest request =
                new RequestBytes(Opcode.UNLINK.number(), marked, NODE).name("a").request();

        assertThat(serve(request)).isEqualTo(16);

        assertThat(request.unique()).isEqualTo(UNIQUE);
        assertThat(request.resent()).isTrue();
        assertThat(request.connection()).isEqualTo(RequestBytes.CONNECTION);
        assertThat(reply.get(JAVA_LONG, 8)).isEqualTo(marked);
    }

    @Test
    void initAgreesOnWhatBothSidesHave() {
        long offered = -1L;
        assertThat(serve(init(7, 45, 131072, offered).request())).isEqualTo(16 + 64);

        assertThat(reply.get(JAVA_INT, 16)).isEqualTo(7);
        assertThat(reply.get(JAVA_INT, 20)).isEqualTo(41);
        assertThat(reply.get(JAVA_INT, 24)).isEqualTo(131072);
        assertThat(reply.get(JAVA_INT, 28)).isEqualTo((int) Negotiated.WANTED);
        assertThat(reply.get(JAVA_SHORT, 32)).isEqualTo((short) 64);
        assertThat(reply.get(JAVA_SHORT, 34)).isEqualTo((short) 48);
        assertThat(reply.get(JAVA_INT, 36)).isEqualTo(1 << 20);
        assertThat(reply.get(JAVA_INT, 40)).isEqualTo(1);
        assertThat(reply.get(JAVA_SHORT, 44)).isEqualTo((short) 256);
        assertThat(reply.get(JAVA_INT, 48)).isEqualTo((int) (Negotiated.WANTED >>> 32));
        assertThat(reply.asSlice(52, 28).toArray(JAVA_BYTE)).containsOnly(0);
        assertThat(negotiated.join().has(Negotiated.HAS_RESEND)).isTrue();
    }

    @Test
    void initTakesNoLocksAndNoTruncatingOpens() {
        long posixLocks = 1L << 1;
        long flockLocks = 1L << 10;
        long atomicTruncate = 1L << 3;

        assertThat(Negotiated.WANTED & (posixLocks | flockLocks | atomicTruncate))
                .isZero();
    }

    @Test
    void initOfAKernelWithoutExtensionIgnoresTheUpperFeatures() {
        long offered = -1L & ~Negotiated.INIT_EXTENSION;

        serve(init(7, 34, 131072, offered).request());

        assertThat(negotiated.join().minor()).isEqualTo(34);
        assertThat(negotiated.join().features() >>> 32).isZero();
        assertThat(reply.get(JAVA_INT, 48)).isZero();
    }

    @Test
    void aProtocolThatIsTooOldIsRefusedWithBothVersions() {
        assertThat(serve(init(7, 30, 131072, -1L).request())).isEqualTo(16);

        assertHeader(16, -22);
        assertThat(negotiated)
                .failsWithin(Duration.ZERO)
                .withThrowableThat()
                .withMessageContaining("expected 7.31")
                .withMessageContaining("found 7.30");
    }

    private static RequestBytes init(int major, int minor, int readAhead, long flags) {
        RequestBytes bytes = request(Opcode.INIT)
                .u32(major)
                .u32(minor)
                .u32(readAhead)
                .u32((int) flags)
                .u32((int) (flags >>> 32));
        for (int i = 0; i < 11; i++) {
            bytes.u32(0);
        }
        return bytes;
    }

    @Test
    void truncatedRequestsAreErrorsAndNeverReadOldBytes() {
        for (Opcode opcode : Opcode.values()) {
            RequestBytes whole = request(opcode);
            for (int i = 0; i < 20; i++) {
                whole.u32(0x7fff_fff1);
            }
            for (int length = RequestLayout.BODY; length < 120; length++) {
                int answer = serve(whole.request(length));
                assertThat(answer)
                        .as("%s of %d bytes", opcode, length)
                        .satisfiesAnyOf(
                                bytes -> assertThat(bytes).isEqualTo(RequestDispatcher.NO_REPLY),
                                bytes -> assertThat(bytes).isGreaterThanOrEqualTo(16));
            }
        }
    }

    @Test
    void randomRequestsNeverBreakTheReader() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        for (int round = 0; round < 20_000; round++) {
            RequestBytes bytes = new RequestBytes(random.nextInt(56), UNIQUE, random.nextLong());
            byte[] body = new byte[random.nextInt(200)];
            random.nextBytes(body);
            int answer = dispatcher.serve(bytes.data(body).request(), reply);
            assertThat(answer).as("seed %d round %d", seed, round).isBetween(0, 16 + (1 << 20));
        }
    }
}
