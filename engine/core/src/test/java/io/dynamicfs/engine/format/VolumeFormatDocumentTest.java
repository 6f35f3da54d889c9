package io.dynamicfs.engine.format;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.junit.jupiter.api.Test;

/** What {@code docs/on-disk-format.md} says of a volume's tree and of operations is what their layouts do. */
class VolumeFormatDocumentTest {

    @Test
    void theInodeHasTheFieldsOfTheDocument() throws Exception {
        Structure inode = new Structure("Inode");
        assertThat(inode.field("mode", 4).offset()).isEqualTo(InodeLayout.MODE_OFFSET);
        assertThat(inode.field("links", 4).offset()).isEqualTo(InodeLayout.LINKS_OFFSET);
        assertThat(inode.field("owner", 4).offset()).isEqualTo(InodeLayout.UID_OFFSET);
        assertThat(inode.field("group", 4).offset()).isEqualTo(InodeLayout.GID_OFFSET);
        assertThat(inode.field("device", 4).offset()).isEqualTo(InodeLayout.RDEV_OFFSET);
        assertThat(inode.field("flags", 4).offset()).isEqualTo(InodeLayout.FLAGS_OFFSET);
        assertThat(inode.field("size", 8).offset()).isEqualTo(InodeLayout.SIZE_OFFSET);
        assertThat(inode.field("stored bytes", 8).offset()).isEqualTo(InodeLayout.STORED_BYTES_OFFSET);
        assertThat(inode.field("content sequence", 8).offset()).isEqualTo(InodeLayout.CONTENT_SEQUENCE_OFFSET);
        assertThat(inode.field("parent", 8).offset()).isEqualTo(InodeLayout.PARENT_OFFSET);
        assertThat(inode.field("accessed seconds", 8).offset()).isEqualTo(InodeLayout.SECONDS_OFFSET);
        inode.field("modified seconds", 8);
        inode.field("changed seconds", 8);
        inode.field("born seconds", 8);
        assertThat(inode.field("accessed nanoseconds", 4).offset()).isEqualTo(InodeLayout.NANOS_OFFSET);
        inode.field("modified nanoseconds", 4);
        inode.field("changed nanoseconds", 4);
        inode.field("born nanoseconds", 4);
        assertThat(inode.field("attribute count", 4).offset()).isEqualTo(InodeLayout.XATTR_COUNT_OFFSET);
        assertThat(inode.field("attribute name bytes", 4).offset()).isEqualTo(InodeLayout.XATTR_NAME_BYTES_OFFSET);
        assertThat(inode.field("attribute value bytes", 4).offset()).isEqualTo(InodeLayout.XATTR_VALUE_BYTES_OFFSET);
        assertThat(inode.field("data fragments", 1).offset()).isEqualTo(InodeLayout.DATA_FRAGMENTS_OFFSET);
        assertThat(inode.field("parity fragments", 1).offset()).isEqualTo(InodeLayout.PARITY_FRAGMENTS_OFFSET);
        FormatDocument.assertDescribes(inode.reserveUntil(InodeLayout.BYTES));
    }

    @Test
    void theTimesOfAnInodeAreInTheOrderOfTheDocument() {
        Inode inode = Inode.fresh(Inode.REGULAR, 0, 0, new Timestamp(4, 14))
                .accessed(new Timestamp(1, 11))
                .modified(new Timestamp(2, 12))
                .changed(new Timestamp(3, 13))
                .build();
        ByteBuffer bytes = ByteBuffer.wrap(InodeLayout.encode(inode)).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < 4; i++) {
            assertThat(bytes.getLong(56 + 8 * i)).isEqualTo(1 + i);
            assertThat(bytes.getInt(88 + 4 * i)).isEqualTo(11 + i);
        }
    }

    @Test
    void theSmallRecordsHaveTheFieldsOfTheDocument() throws Exception {
        Structure header = new Structure("Volume header");
        assertThat(header.field("layout", 4).offset()).isEqualTo(VolumeHeaderLayout.LAYOUT_OFFSET);
        assertThat(header.reserve(4).field("name key", 16).offset()).isEqualTo(VolumeHeaderLayout.NAME_KEY_OFFSET);
        FormatDocument.assertDescribes(header);

        Structure entry = new Structure("Directory entry");
        assertThat(entry.field("inode", 8).offset()).isEqualTo(DirectoryEntryLayout.INODE_OFFSET);
        assertThat(entry.field("type", 1).offset()).isEqualTo(DirectoryEntryLayout.TYPE_OFFSET);
        assertThat(entry.field("rank", 1).offset()).isEqualTo(DirectoryEntryLayout.RANK_OFFSET);
        assertThat(DirectoryEntryLayout.BYTES).isEqualTo(10);
        FormatDocument.assertDescribes(entry);

        Structure attribute = new Structure("Extended attribute");
        assertThat(attribute.field("value length", 4).offset()).isEqualTo(XattrLayout.LENGTH_OFFSET);
        assertThat(XattrLayout.DATA_OFFSET).isEqualTo(4);
        FormatDocument.assertDescribes(attribute);

        Structure operation = new Structure("Operation");
        operation.field("type", 1);
        operation.field("time", OperationLayout.TIME_BYTES);
        FormatDocument.assertDescribes(operation);
    }

    @Test
    void theDocumentNamesTheLimits() throws Exception {
        assertThat(FormatDocument.text())
                .contains("An operation has at most " + OperationLayout.BYTES_MAX + " bytes")
                .contains("value, at most " + OperationLayout.TARGET_BYTES_MAX + " bytes")
                .contains("A value of at most " + XattrLayout.VALUE_BYTES_MAX + " bytes is cut into parts of "
                        + XattrLayout.PART_BYTES_MAX + " bytes")
                .contains("have 1 to " + VolumeKeys.NAME_BYTES_MAX + " bytes")
                .contains("is " + Inode.ENTRY_BYTES + " for each entry");
    }

    @Test
    void theDocumentHasTheKindsOfRecordsAndOperations() throws Exception {
        assertThat(FormatDocument.text())
                .contains("| " + VolumeKeys.HEADER + " | 0 | none | volume header |")
                .contains("| " + VolumeKeys.INODE + " | n | none | inode |")
                .contains("| " + VolumeKeys.XATTR + " | n | `u64` name hash, name, `u8` part |")
                .contains("| " + VolumeKeys.DIRENT + " | n, a directory | `u64` name hash, name |")
                .contains("| " + VolumeKeys.SLICE + " | n, a regular file | `u64` file offset |")
                .contains("| " + VolumeKeys.ORPHAN + " | 0 | `u64` inode |")
                .contains("| " + VolumeKeys.TARGET + " | n, a symbolic link | none |")
                .contains("| " + OperationLayout.MAKE + " | make |")
                .contains("| " + OperationLayout.SYMLINK + " | make a symbolic link |")
                .contains("| " + OperationLayout.LINK + " | link |")
                .contains("| " + OperationLayout.UNLINK + " | unlink |")
                .contains("| " + OperationLayout.REMOVE_DIRECTORY + " | remove a directory |")
                .contains("| " + OperationLayout.RENAME + " | rename |")
                .contains("| " + OperationLayout.SET_ATTRIBUTES + " | set attributes |")
                .contains("| " + OperationLayout.SET_XATTR + " | set an extended attribute |")
                .contains("| " + OperationLayout.REMOVE_XATTR + " | remove an extended attribute |")
                .contains("| " + OperationLayout.WRITE + " | write |")
                .contains("| " + OperationLayout.TRUNCATE + " | truncate |")
                .contains("| " + OperationLayout.ZERO + " | make zero |")
                .contains("| " + OperationLayout.MAKE_UNNAMED + " | make without a name |")
                .contains("| " + OperationLayout.SHARE + " | share |");
    }
}
