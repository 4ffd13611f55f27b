package peer;

import java.nio.ByteBuffer;
import org.apache.kafka.common.serialization.Deserializer;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.serialization.Serializer;

/** The state of a customer: remembered ids, four windows, a few times and totals. */
final class Customer {
    static final String[] NAMES = names();
    static final int FEATURES = NAMES.length;
    private static final int RECENCY = 16;
    private static final int GAP = 17;
    private static final int TENURE = 18;
    private static final int ORDERS = 19;

    private static final int REMEMBERED = 64;
    private static final double DAY = 86_400.0;
    private static final double NEVER = 365.0;

    private final long[] seen = new long[REMEMBERED];
    private int seenCount;
    private final Window[] windows = {
        new Window(300, 12), new Window(3600, 24), new Window(86_400, 7), new Window(86_400, 30)
    };
    private double first;
    private double last;
    private double lastOrder;
    private int orders;
    double risk;

    Customer(double first) {
        this.first = first;
    }

    /** Whether the id is new among the last 64; it is remembered. */
    boolean remember(long fingerprint) {
        int known = Math.min(seenCount, REMEMBERED);
        for (int k = 0; k < known; k++) {
            if (seen[k] == fingerprint) {
                return false;
            }
        }
        seen[seenCount % REMEMBERED] = fingerprint;
        // the place of the next one stays the same, and the number cannot overflow
        seenCount = seenCount + 1 < 2 * REMEMBERED ? seenCount + 1 : REMEMBERED;
        return true;
    }

    /** Take the event in and return the features after it. */
    double[] apply(Event event) {
        double[] features = new double[FEATURES];
        for (int k = 0; k < windows.length; k++) {
            windows[k].add(event);
            windows[k].features(features, 4 * k);
        }
        if (event.channel() == Event.ORDER) {
            orders++;
            lastOrder = event.at();
        }
        features[RECENCY] = lastOrder != 0.0 ? (event.at() - lastOrder) / DAY : NEVER;
        features[GAP] = last != 0.0 ? (event.at() - last) / DAY : NEVER;
        features[TENURE] = (event.at() - first) / DAY;
        features[ORDERS] = orders;
        last = event.at();
        return features;
    }

    static double recency(double[] features) {
        return features[RECENCY];
    }

    private static String[] names() {
        String[] names = new String[20];
        int at = 0;
        for (String window : new String[] {"1h", "1d", "7d", "30d"}) {
            for (String what : new String[] {"clicks", "emails", "orders", "spend"}) {
                names[at++] = what + "_" + window;
            }
        }
        names[RECENCY] = "recency";
        names[GAP] = "gap";
        names[TENURE] = "tenure";
        names[ORDERS] = "orders";
        return names;
    }

    private byte[] toBytes() {
        int known = Math.min(seenCount, REMEMBERED);
        int size = 2 + Long.BYTES * known + 4 * Double.BYTES + Integer.BYTES;
        for (Window window : windows) {
            size += window.bytes();
        }
        ByteBuffer to = ByteBuffer.allocate(size);
        to.putShort((short) seenCount);
        for (int k = 0; k < known; k++) {
            to.putLong(seen[k]);
        }
        for (Window window : windows) {
            window.write(to);
        }
        to.putDouble(first).putDouble(last).putDouble(lastOrder).putInt(orders).putDouble(risk);
        return to.array();
    }

    private static Customer fromBytes(byte[] stored) {
        ByteBuffer from = ByteBuffer.wrap(stored);
        Customer customer = new Customer(0.0);
        customer.seenCount = from.getShort();
        for (int k = 0; k < Math.min(customer.seenCount, REMEMBERED); k++) {
            customer.seen[k] = from.getLong();
        }
        for (Window window : customer.windows) {
            window.read(from);
        }
        customer.first = from.getDouble();
        customer.last = from.getDouble();
        customer.lastOrder = from.getDouble();
        customer.orders = from.getInt();
        customer.risk = from.getDouble();
        return customer;
    }

    static Serde<Customer> serde() {
        Serializer<Customer> serializer = (topic, customer) -> customer == null ? null : customer.toBytes();
        Deserializer<Customer> deserializer = (topic, stored) -> stored == null ? null : fromBytes(stored);
        return Serdes.serdeFrom(serializer, deserializer);
    }
}
