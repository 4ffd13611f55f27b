package peer;

import java.nio.ByteBuffer;
import java.util.Arrays;

/** Counts and spend of a moving window, in tiles of equal length; only tiles with events are kept. */
final class Window {
    private static final int CHANNELS = 3;
    static final int TILE_BYTES = Integer.BYTES * (1 + CHANNELS) + Double.BYTES;

    private final int width;
    private final int length;
    private int size;
    private int[] indexes = new int[2];
    private int[] counts = new int[2 * CHANNELS];
    private double[] spend = new double[2];

    /**
     * @param width seconds of a tile
     * @param length tiles of the window
     */
    Window(int width, int length) {
        this.width = width;
        this.length = length;
    }

    void add(Event event) {
        int index = (int) Math.floor(event.at() / width);
        drop(index - length);
        if (size == 0 || indexes[size - 1] != index) {
            reserve(size + 1);
            indexes[size] = index;
            Arrays.fill(counts, size * CHANNELS, (size + 1) * CHANNELS, 0);
            spend[size] = 0.0;
            size++;
        }
        counts[(size - 1) * CHANNELS + event.channel()]++;
        spend[size - 1] += event.amount();
    }

    /** Forget the tiles up to {@code last}. */
    private void drop(int last) {
        int kept = 0;
        for (int k = 0; k < size; k++) {
            if (indexes[k] > last) {
                if (kept != k) {
                    indexes[kept] = indexes[k];
                    System.arraycopy(counts, k * CHANNELS, counts, kept * CHANNELS, CHANNELS);
                    spend[kept] = spend[k];
                }
                kept++;
            }
        }
        size = kept;
    }

    private void reserve(int tiles) {
        if (tiles > indexes.length) {
            int room = 2 * tiles;
            indexes = Arrays.copyOf(indexes, room);
            counts = Arrays.copyOf(counts, room * CHANNELS);
            spend = Arrays.copyOf(spend, room);
        }
    }

    /** Write clicks, e-mails, orders and spend to {@code features} from {@code at} on. */
    void features(double[] features, int at) {
        int clicks = 0;
        int emails = 0;
        int orders = 0;
        double money = 0.0;
        for (int k = 0, c = 0; k < size; k++, c += CHANNELS) {
            clicks += counts[c];
            emails += counts[c + 1];
            orders += counts[c + 2];
            money += spend[k];
        }
        features[at] = clicks;
        features[at + 1] = emails;
        features[at + 2] = orders;
        features[at + 3] = money;
    }

    int bytes() {
        return Byte.BYTES + size * TILE_BYTES;
    }

    void write(ByteBuffer to) {
        to.put((byte) size);
        for (int k = 0; k < size; k++) {
            to.putInt(indexes[k]);
            for (int c = 0; c < CHANNELS; c++) {
                to.putInt(counts[k * CHANNELS + c]);
            }
            to.putDouble(spend[k]);
        }
    }

    void read(ByteBuffer from) {
        size = from.get();
        reserve(size);
        for (int k = 0; k < size; k++) {
            indexes[k] = from.getInt();
            for (int c = 0; c < CHANNELS; c++) {
                counts[k * CHANNELS + c] = from.getInt();
            }
            spend[k] = from.getDouble();
        }
    }
}
