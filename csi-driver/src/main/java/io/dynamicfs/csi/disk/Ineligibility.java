package io.dynamicfs.csi.disk;

/** Why no pool takes a disk; {@code message} completes "the disk ...". */
public record Ineligibility(Reason reason, String message) {
    public enum Reason {
        MOUNTED("Mounted"),
        PARTITIONED("Partitioned"),
        SIGNATURE("Signature"),
        TOO_SMALL("TooSmall"),
        READ_ONLY("ReadOnly"),
        IN_USE("InUse"),
        REMOVABLE("Removable"),
        VIRTUAL("Virtual"),
        POOL_MEMBER("PoolMember"),
        UNREADABLE("Unreadable");

        private final String text;

        Reason(String text) {
            this.text = text;
        }

        /** As a condition's reason is written. */
        public String text() {
            return text;
        }
    }
}
