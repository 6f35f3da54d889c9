package io.dynamicfs.engine.fs;

import static org.assertj.core.api.Assertions.assertThat;

import io.dynamicfs.engine.commit.SurvivorLog;
import io.dynamicfs.engine.format.Timestamp;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LayerTest {
    private static final int SPACE = 400;
    private static final int HEADER_BYTES = 48;
    private static final int DATA_LENGTH_AT = 44;

    private long sequence;

    /** A record as the survivor log holds it. */
    private SurvivorLog.Entry entry(byte[] data) {
        MemorySegment bytes = Arena.ofAuto().allocate(HEADER_BYTES + data.length, 8);
        bytes.set(ValueLayout.JAVA_INT_UNALIGNED, DATA_LENGTH_AT, data.length);
        MemorySegment.copy(data, 0, bytes, ValueLayout.JAVA_BYTE, HEADER_BYTES, data.length);
        sequence++;
        return new SurvivorLog.Entry(sequence * 1000, sequence, 1, bytes);
    }

    private static Timestamp time(long second) {
        return new Timestamp(second, 0);
    }

    /** The content of a file, changed in the simplest way. */
    private static final class Model {
        private byte[] content;

        Model(byte[] content) {
            this.content = content;
        }

        void write(int offset, byte[] data) {
            content = Arrays.copyOf(content, Math.max(content.length, offset + data.length));
            System.arraycopy(data, 0, content, offset, data.length);
        }

        void zero(int offset, int length, boolean grows) {
            if (grows) {
                content = Arrays.copyOf(content, Math.max(content.length, offset + length));
            }
            if (offset < content.length) {
                Arrays.fill(content, offset, Math.min(content.length, offset + length), (byte) 0);
            }
        }

        void truncate(int size) {
            content = Arrays.copyOf(content, size);
        }
    }

    /** What a reader sees through the layers, the top one first. */
    private static byte[] read(List<Layer> layers, byte[] below, int from, int to) {
        byte[] target = new byte[to - from];
        Arrays.fill(target, (byte) 0x55);
        List<Layer.Gap> gaps = List.of(new Layer.Gap(from, to));
        for (Layer layer : layers) {
            gaps = layer.answer(gaps, from, MemorySegment.ofArray(target));
        }
        long end = from;
        for (Layer.Gap gap : gaps) {
            assertThat(gap.from()).as("gaps ascend within the range").isGreaterThanOrEqualTo(end);
            assertThat(gap.to()).isGreaterThan(gap.from()).isLessThanOrEqualTo(to);
            end = gap.to();
            for (long at = gap.from(); at < gap.to(); at++) {
                target[(int) at - from] = at < below.length ? below[(int) at] : 0;
            }
        }
        return target;
    }

    private void change(Layer layer, Model model, Random random) {
        if (random.nextInt(4) == 0) {
            int size = random.nextInt(SPACE);
            layer.truncate(entry(new byte[0]), size, time(sequence));
            model.truncate(size);
        } else if (random.nextInt(4) == 0) {
            int offset = random.nextInt(SPACE - 1);
            int length = 1 + random.nextInt(SPACE - offset);
            boolean grows = random.nextBoolean();
            layer.zero(entry(new byte[0]), offset, length, grows, time(sequence));
            model.zero(offset, length, grows);
        } else {
            byte[] data = new byte[1 + random.nextInt(random.nextBoolean() ? 10 : 100)];
            random.nextBytes(data);
            int offset = random.nextInt(SPACE - data.length);
            layer.write(entry(data), offset, time(sequence));
            model.write(offset, data);
        }
    }

    private static void compare(List<Layer> layers, byte[] below, Model model, Random random, long seed) {
        byte[] all = read(layers, below, 0, SPACE);
        assertThat(all).as("seed %d", seed).isEqualTo(Arrays.copyOf(model.content, SPACE));
        for (int i = 0; i < 5; i++) {
            int from = random.nextInt(SPACE);
            int to = from + 1 + random.nextInt(SPACE - from);
            assertThat(read(layers, below, from, to))
                    .as("seed %d: %d to %d", seed, from, to)
                    .isEqualTo(Arrays.copyOfRange(all, from, to));
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10})
    void aLayerShowsWhatTheChangesMadeOfTheContentBelow(long seed) {
        Random random = new Random(seed);
        for (int round = 0; round < 60; round++) {
            byte[] below = new byte[random.nextInt(SPACE)];
            random.nextBytes(below);
            Model model = new Model(below.clone());
            Layer layer = new Layer(below.length, entry(new byte[0]));
            for (int i = 0; i < 25; i++) {
                change(layer, model, random);
                assertThat(layer.size()).as("seed %d", seed).isEqualTo(model.content.length);
                compare(List.of(layer), below, model, random, seed);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {11, 12, 13, 14, 15, 16, 17, 18, 19, 20})
    void aLayerOnTopShowsTheSameAsWhenItIsAddedToTheOneBelow(long seed) {
        Random random = new Random(seed);
        for (int round = 0; round < 300; round++) {
            byte[] stored = new byte[random.nextInt(SPACE)];
            random.nextBytes(stored);
            Model model = new Model(stored.clone());
            Layer lower = new Layer(stored.length, entry(new byte[0]));
            for (int i = random.nextInt(8); i >= 0; i--) {
                change(lower, model, random);
            }
            long first = lower.firstSequence();
            Layer upper = new Layer(lower.size(), entry(new byte[0]));
            for (int i = random.nextInt(8); i >= 0; i--) {
                change(upper, model, random);
            }
            compare(List.of(upper, lower), stored, model, random, seed);
            lower.add(upper);
            compare(List.of(lower), stored, model, random, seed);
            assertThat(lower.size()).as("seed %d", seed).isEqualTo(model.content.length);
            assertThat(lower.firstSequence()).isEqualTo(first);
            assertThat(lower.lastSequence()).isEqualTo(sequence);
            assertThat(lower.modified()).isEqualTo(upper.modified());
        }
    }

    @Test
    void rangesAreTheDirtyBytesWithNeighboursJoined() {
        Layer layer = new Layer(0, entry(new byte[0]));
        layer.write(entry(new byte[10]), 20, time(1));
        layer.write(entry(new byte[10]), 30, time(2));
        layer.write(entry(new byte[5]), 25, time(3));
        layer.write(entry(new byte[1]), 50, time(4));
        assertThat(layer.ranges()).containsExactly(new Layer.Gap(20, 40), new Layer.Gap(50, 51));
        layer.truncate(entry(new byte[0]), 33, time(5));
        assertThat(layer.ranges()).containsExactly(new Layer.Gap(20, 33));
        assertThat(layer.cutAt()).isEqualTo(33);
        layer.truncate(entry(new byte[0]), 100, time(6));
        assertThat(layer.cutAt()).as("the shortest that the file ever was").isEqualTo(33);
        assertThat(layer.size()).isEqualTo(100);
    }

    @Test
    void zerosAreNoDirtyBytesAndHaveRangesOfTheirOwn() {
        Layer layer = new Layer(100, entry(new byte[0]));
        layer.write(entry(new byte[30]), 10, time(1));
        layer.zero(entry(new byte[0]), 20, 10, false, time(2));
        layer.zero(entry(new byte[0]), 30, 10, false, time(3));
        layer.zero(entry(new byte[0]), 90, 50, false, time(4));
        assertThat(layer.ranges()).containsExactly(new Layer.Gap(10, 20));
        assertThat(layer.zeros()).containsExactly(new Layer.Gap(20, 40), new Layer.Gap(90, 100));
        layer.zero(entry(new byte[0]), 90, 50, true, time(5));
        layer.write(entry(new byte[5]), 95, time(6));
        assertThat(layer.size()).isEqualTo(140);
        assertThat(layer.ranges()).containsExactly(new Layer.Gap(10, 20), new Layer.Gap(95, 100));
        assertThat(layer.zeros())
                .containsExactly(new Layer.Gap(20, 40), new Layer.Gap(90, 95), new Layer.Gap(100, 140));
        assertThat(layer.at(12)).isEqualTo(new Layer.Stretch(Layer.Stretch.Content.DATA, 20));
        assertThat(layer.at(33)).isEqualTo(new Layer.Stretch(Layer.Stretch.Content.HOLE, 40));
        assertThat(layer.at(40)).isEqualTo(new Layer.Stretch(Layer.Stretch.Content.BELOW, 90));
        layer.truncate(entry(new byte[0]), 60, time(7));
        assertThat(layer.at(40)).isEqualTo(new Layer.Stretch(Layer.Stretch.Content.BELOW, 60));
        assertThat(layer.at(60)).isEqualTo(new Layer.Stretch(Layer.Stretch.Content.HOLE, Long.MAX_VALUE));
    }

    @ParameterizedTest
    @ValueSource(longs = {21, 22, 23})
    void rangesAreExactlyWhatTheContentBelowDoesNotAnswer(long seed) {
        Random random = new Random(seed);
        Layer layer = new Layer(SPACE, entry(new byte[0]));
        boolean[] dirty = new boolean[SPACE];
        for (int i = 0; i < 200; i++) {
            byte[] data = new byte[1 + random.nextInt(12)];
            int offset = random.nextInt(SPACE - data.length);
            layer.write(entry(data), offset, time(i));
            Arrays.fill(dirty, offset, offset + data.length, true);
            boolean[] ranges = new boolean[SPACE];
            layer.ranges().forEach(range -> Arrays.fill(ranges, (int) range.from(), (int) range.to(), true));
            assertThat(ranges).as("seed %d", seed).isEqualTo(dirty);
            boolean[] answered = new boolean[SPACE];
            Arrays.fill(answered, true);
            for (Layer.Gap gap :
                    layer.answer(List.of(new Layer.Gap(0, SPACE)), 0, MemorySegment.ofArray(new byte[SPACE]))) {
                Arrays.fill(answered, (int) gap.from(), (int) gap.to(), false);
            }
            assertThat(answered).as("seed %d", seed).isEqualTo(dirty);
        }
    }

    @Test
    void timesAndRecordsOfTheLayerAreThoseOfItsChanges() {
        SurvivorLog.Entry first = entry(new byte[3]);
        Layer layer = new Layer(0, first);
        layer.write(first, 0, time(5));
        layer.truncate(entry(new byte[0]), 1, time(6));
        assertThat(layer.firstSequence()).isEqualTo(first.sequence());
        assertThat(layer.firstPosition()).isEqualTo(first.position());
        assertThat(layer.lastSequence()).isEqualTo(sequence);
        assertThat(layer.modified()).isEqualTo(time(6));
        layer.forgetModified();
        assertThat(layer.modified()).isNull();
        assertThat(layer.changed()).isEqualTo(time(6));
    }

    @Test
    void aFlushThatDidNotHappenLeavesTheFileAsItWas() {
        long seed = 30;
        Random random = new Random(seed);
        for (int round = 0; round < 300; round++) {
            byte[] stored = new byte[random.nextInt(SPACE)];
            random.nextBytes(stored);
            Model model = new Model(stored.clone());
            DirtyFile file = new DirtyFile();
            List<Layer> before = new ArrayList<>();
            for (int i = 0; i < 3; i++) {
                change(file.activeLayer(stored.length, entry(new byte[0])), model, random);
            }
            before.add(file.beginFlush());
            for (int i = random.nextInt(3); i > 0; i--) {
                change(file.activeLayer(stored.length, entry(new byte[0])), model, random);
            }
            compare(file.layers(), stored, model, random, seed);
            file.abandonFlush();
            compare(file.layers(), stored, model, random, seed);
            assertThat(file.size(stored.length)).as("seed %d", seed).isEqualTo(model.content.length);
            assertThat(file.beginFlush()).isSameAs(before.getFirst());
        }
    }
}
