package io.dynamicfs.csi.mount;

import io.dynamicfs.engine.mount.MountException;
import io.dynamicfs.engine.mount.MountOption;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The mount flags of a claim: options that a volume knows, and the SELinux context of all its files, if one is given. */
public record MountFlags(Set<MountOption> options, @Nullable String context) {
    private static final String CONTEXT = "context=";

    public MountFlags {
        options = Set.copyOf(options);
    }

    /** Each text may hold several flags; commas between double quotes do not part them. Unknown ones are refused. */
    public static MountFlags parse(Collection<String> texts) throws MountException {
        List<String> plain = new ArrayList<>();
        String context = null;
        for (String text : texts) {
            for (String flag : split(text)) {
                if (flag.startsWith(CONTEXT)) {
                    context = flag.substring(CONTEXT.length());
                } else if (!flag.isEmpty()) {
                    plain.add(flag);
                }
            }
        }
        return new MountFlags(MountOption.parse(plain), context);
    }

    public boolean readOnly() {
        return options.contains(MountOption.READ_ONLY);
    }

    /** The bits of mount(2). */
    public long bits() {
        return MountOption.flags(options);
    }

    /** In an order of their own, for comparing and for the record. */
    public List<String> names() {
        return options.stream().sorted().map(MountOption::name).toList();
    }

    private static List<String> split(String text) {
        List<String> flags = new ArrayList<>();
        StringBuilder flag = new StringBuilder();
        boolean quoted = false;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            quoted ^= c == '"';
            if (c == ',' && !quoted) {
                flags.add(flag.toString().strip());
                flag.setLength(0);
            } else {
                flag.append(c);
            }
        }
        flags.add(flag.toString().strip());
        return flags;
    }
}
