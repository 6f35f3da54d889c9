package io.dynamicfs.engine.format;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

class VolumeKeysTest {
    private static final byte[] LONGEST_NAME = new byte[VolumeKeys.NAME_BYTES_MAX];

    @Test
    void keysSortByInodeThenKindThenRest() {
        List<byte[]> ascending = List.of(
                VolumeKeys.header(),
                VolumeKeys.from(VolumeKeys.VOLUME, VolumeKeys.ORPHAN),
                VolumeKeys.orphan(1),
                VolumeKeys.orphan(0x1_0000_0000L),
                VolumeKeys.after(VolumeKeys.VOLUME, VolumeKeys.ORPHAN),
                VolumeKeys.inode(1),
                VolumeKeys.from(1, VolumeKeys.XATTR),
                VolumeKeys.xattr(1, 256, name("a"), 0),
                VolumeKeys.xattr(1, 256, name("a"), 18),
                VolumeKeys.after(1, VolumeKeys.XATTR),
                VolumeKeys.dirent(1, 256, name("z")),
                VolumeKeys.direntFrom(1, 257),
                VolumeKeys.dirent(1, Long.MAX_VALUE & -256, name("a")),
                VolumeKeys.after(1, VolumeKeys.DIRENT),
                VolumeKeys.slice(1, 0),
                VolumeKeys.slice(1, Long.MAX_VALUE),
                VolumeKeys.target(1),
                VolumeKeys.after(1),
                VolumeKeys.inode(2),
                VolumeKeys.inode(Long.MAX_VALUE));
        for (int i = 1; i < ascending.size(); i++) {
            assertThat(Arrays.compareUnsigned(ascending.get(i - 1), ascending.get(i)))
                    .as("key %d before key %d", i - 1, i)
                    .isLessThanOrEqualTo(0);
        }
    }

    @Test
    void aKeyIsTakenApartIntoWhatItWasMadeOf() {
        byte[] dirent = VolumeKeys.dirent(7, 512, name("name"));
        assertThat(VolumeKeys.inodeOf(dirent)).isEqualTo(7);
        assertThat(VolumeKeys.kindOf(dirent)).isEqualTo(VolumeKeys.DIRENT);
        assertThat(VolumeKeys.numberOf(dirent)).isEqualTo(512);
        assertThat(VolumeKeys.direntNameOf(dirent)).isEqualTo(name("name"));
        byte[] xattr = VolumeKeys.xattr(7, 512, name("user.name"), 18);
        assertThat(VolumeKeys.xattrNameOf(xattr)).isEqualTo(name("user.name"));
        assertThat(VolumeKeys.xattrPartOf(xattr)).isEqualTo(18);
    }

    @Test
    void theLongestKeyFitsInANode() {
        assertThat(VolumeKeys.xattr(1, 256, LONGEST_NAME, 0).length).isLessThanOrEqualTo(300);
        assertThat(VolumeKeys.dirent(1, 256, LONGEST_NAME).length).isLessThanOrEqualTo(300);
    }

    private static byte[] name(String text) {
        return text.getBytes(US_ASCII);
    }
}
