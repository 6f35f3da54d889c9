package io.dynamicfs.engine.fs;

import static io.dynamicfs.engine.fs.AccessControlList.GROUP;
import static io.dynamicfs.engine.fs.AccessControlList.MASK;
import static io.dynamicfs.engine.fs.AccessControlList.OTHERS;
import static io.dynamicfs.engine.fs.AccessControlList.OWNER;
import static io.dynamicfs.engine.fs.AccessControlList.OWNING_GROUP;
import static io.dynamicfs.engine.fs.AccessControlList.USER;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.dynamicfs.engine.format.ByteString;
import io.dynamicfs.engine.fs.AccessControlList.Entry;
import io.dynamicfs.engine.syscall.Errno;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class AccessControlListTest {
    private static final AccessControlList MINIMAL = list(entry(OWNER, 6), entry(OWNING_GROUP, 4), entry(OTHERS, 0));
    private static final AccessControlList EXTENDED =
            list(entry(OWNER, 6), new Entry(USER, 7, 1000), entry(OWNING_GROUP, 5), entry(MASK, 6), entry(OTHERS, 0));

    private static AccessControlList list(Entry... entries) {
        return new AccessControlList(List.of(entries));
    }

    private static Entry entry(int tag, int permissions) {
        return new Entry(tag, permissions, -1);
    }

    private static ByteString bytes(String hex) {
        return ByteString.of(HexFormat.of().parseHex(hex));
    }

    @Test
    void aListIsReadAndWrittenAsLinuxKeepsIt() throws Exception {
        ByteString linux = bytes("02000000" + "01000600ffffffff" + "02000700e8030000" + "04000500ffffffff"
                + "10000600ffffffff" + "20000000ffffffff");
        assertThat(AccessControlList.parse(linux)).isEqualTo(EXTENDED);
        assertThat(EXTENDED.encode()).isEqualTo(linux);
    }

    @Test
    void onlyAListThatSaysMoreThanAModeIsNotMinimal() {
        assertThat(MINIMAL.isMinimal()).isTrue();
        assertThat(EXTENDED.isMinimal()).isFalse();
        assertThat(MINIMAL.applyTo(0102777)).isEqualTo(0102640);
    }

    @Test
    void theMaskIsTheGroupOfTheMode() {
        assertThat(EXTENDED.applyTo(0100000)).isEqualTo(0100660);
        AccessControlList narrowed = EXTENDED.withMode(0641);
        assertThat(narrowed)
                .isEqualTo(list(
                        entry(OWNER, 6),
                        new Entry(USER, 7, 1000),
                        entry(OWNING_GROUP, 5),
                        entry(MASK, 4),
                        entry(OTHERS, 1)));
        assertThat(MINIMAL.withMode(0751)).isEqualTo(list(entry(OWNER, 7), entry(OWNING_GROUP, 5), entry(OTHERS, 1)));
    }

    @Test
    void whatIsInheritedIsTheLessOfListAndMode() {
        AccessControlList.Inherited inherited = EXTENDED.inheritedBy(0100444);
        assertThat(inherited.mode()).isEqualTo(0100440);
        assertThat(inherited.list())
                .isEqualTo(list(
                        entry(OWNER, 4),
                        new Entry(USER, 7, 1000),
                        entry(OWNING_GROUP, 5),
                        entry(MASK, 4),
                        entry(OTHERS, 0)));
    }

    @Test
    void listsThatMakeNoSenseAreRefused() {
        for (AccessControlList wrong : List.of(
                list(),
                list(entry(OWNER, 6), entry(OWNING_GROUP, 4)),
                list(entry(OWNER, 6), entry(OWNER, 6), entry(OWNING_GROUP, 4), entry(OTHERS, 0)),
                list(entry(OWNER, 8), entry(OWNING_GROUP, 4), entry(OTHERS, 0)),
                list(entry(OWNER, 6), entry(OWNING_GROUP, 4), entry(OTHERS, 0), entry(0x40, 0)),
                list(entry(OWNER, 6), entry(OWNING_GROUP, 4), entry(OTHERS, 0), entry(0x03, 0)),
                list(entry(OWNER, 6), new Entry(GROUP, 4, 5), entry(OWNING_GROUP, 4), entry(OTHERS, 0)))) {
            assertThatThrownBy(() -> AccessControlList.parse(wrong.encode()))
                    .as("%s", wrong)
                    .isInstanceOfSatisfying(
                            FsException.class, no -> assertThat(no.errno()).isEqualTo(Errno.EINVAL));
        }
        assertThatThrownBy(() -> AccessControlList.parse(bytes("0300000001000600ffffffff")))
                .isInstanceOfSatisfying(
                        FsException.class, no -> assertThat(no.errno()).isEqualTo(Errno.EOPNOTSUPP));
    }

    @Test
    void anyBytesAreAListOrRefused() {
        Random random = new Random(5);
        int lists = 0;
        for (int i = 0; i < 20_000; i++) {
            byte[] mutated = EXTENDED.encode().toBytes();
            mutated[random.nextInt(mutated.length)] = (byte) random.nextInt(random.nextBoolean() ? 8 : 256);
            try {
                ByteString value = ByteString.of(mutated);
                assertThat(AccessControlList.parse(value).encode()).isEqualTo(value);
                lists++;
            } catch (FsException refused) {
                assertThat(refused.errno()).isIn(Errno.EINVAL, Errno.EOPNOTSUPP);
            }
        }
        assertThat(lists).isBetween(1, 19_999);
    }
}
