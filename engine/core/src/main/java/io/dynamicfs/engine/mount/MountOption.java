package io.dynamicfs.engine.mount;

import io.dynamicfs.engine.fs.AccessTimes;
import io.dynamicfs.engine.syscall.Mounts;
import java.util.Collection;
import java.util.EnumSet;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** The options of mount(8) that a volume can be mounted with. */
public enum MountOption {
    READ_ONLY("ro", Mounts.READ_ONLY),
    NO_SUID("nosuid", Mounts.NO_SUID),
    NO_DEVICES("nodev", Mounts.NO_DEVICES),
    NO_EXEC("noexec", Mounts.NO_EXEC),
    NO_ACCESS_TIMES("noatime", Mounts.NO_ACCESS_TIMES),
    NO_DIRECTORY_ACCESS_TIMES("nodiratime", Mounts.NO_DIRECTORY_ACCESS_TIMES),
    RELATIVE_ACCESS_TIMES("relatime", Mounts.RELATIVE_ACCESS_TIMES),
    STRICT_ACCESS_TIMES("strictatime", Mounts.STRICT_ACCESS_TIMES);

    /** Options that ask for what is so without them. */
    private static final Set<String> DEFAULTS = Set.of("defaults", "rw", "suid", "dev", "exec", "diratime");

    private final String text;
    private final long flag;

    MountOption(String text, long flag) {
        this.text = text;
        this.flag = flag;
    }

    /** The options named by {@code texts}, each as after {@code mount -o}. */
    public static Set<MountOption> parse(Collection<String> texts) throws MountException {
        Set<MountOption> options = EnumSet.noneOf(MountOption.class);
        for (String text : texts) {
            if (!DEFAULTS.contains(text)) {
                options.add(byText(text));
            }
        }
        return options;
    }

    /** As after {@code mount -o}. */
    public String text() {
        return text;
    }

    /** The flags of mount(2). */
    public static long flags(Set<MountOption> options) {
        long flags = 0;
        for (MountOption option : options) {
            flags |= option.flag;
        }
        return flags;
    }

    /** What accesses to files do; the last word of Linux where options contradict each other. */
    public static AccessTimes accessTimes(Set<MountOption> options) {
        if (options.contains(READ_ONLY) || options.contains(NO_ACCESS_TIMES)) {
            return AccessTimes.NEVER;
        }
        return options.contains(STRICT_ACCESS_TIMES) ? AccessTimes.ALWAYS : AccessTimes.RELATIVE;
    }

    /** The options that {@link #name} gives; those that this version does not know are left out. */
    public static Set<MountOption> named(Collection<String> names) {
        Set<MountOption> options = EnumSet.noneOf(MountOption.class);
        for (MountOption option : values()) {
            if (names.contains(option.name())) {
                options.add(option);
            }
        }
        return options;
    }

    private static MountOption byText(String text) throws MountException {
        for (MountOption option : values()) {
            if (option.text.equals(text)) {
                return option;
            }
        }
        String known = Stream.concat(Stream.of(values()).map(option -> option.text), DEFAULTS.stream())
                .sorted()
                .collect(Collectors.joining(", "));
        throw new MountException(
                MountException.Reason.UNKNOWN_OPTION,
                "mount option: expected one of " + known + "; found " + text + "; remove it");
    }
}
