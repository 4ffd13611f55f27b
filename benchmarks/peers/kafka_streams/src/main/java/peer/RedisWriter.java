package peer;

import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.Pipeline;

/**
 * The last features of the customers of a task, on their way to Redis in pipelines.
 *
 * <p>What is committed may wait here for a second: a crash loses those features until the customer's next event. The
 * worker that this peer is compared with loses nothing; an engineer on the JVM would publish the features to a topic and
 * run a connector for more.
 */
final class RedisWriter implements AutoCloseable {
    private static final byte[] PROGRESS = "bench:progress".getBytes(StandardCharsets.UTF_8);
    private static final int MOST_EVENTS = 48_000;
    private static final long LONGEST_NS = 1_000_000_000L;
    private static final long IDLE_NS = 60_000_000L;

    private record Latest(double[] features, double risk) {}

    private final Jedis redis;
    private final Documents documents = new Documents();
    private final Map<String, Latest> waiting = new HashMap<>();
    private int events;
    private int eventsBefore;
    private long since;
    private long moved;

    RedisWriter(Options options) {
        redis = new Jedis(options.redis());
    }

    /** Count an event that changes nothing. */
    void count() {
        if (events == 0) {
            since = System.nanoTime();
        }
        events++;
    }

    void put(String customer, double[] features, double risk) {
        count();
        waiting.put(customer, new Latest(features, risk));
        if (events >= MOST_EVENTS) {
            write();
        }
    }

    /** Called every few milliseconds: write what has waited for a second, or when nothing more comes. */
    void tick() {
        long now = System.nanoTime();
        if (events != eventsBefore) {
            eventsBefore = events;
            moved = now;
        }
        if (events > 0 && (now - since >= LONGEST_NS || now - moved >= IDLE_NS)) {
            write();
        }
    }

    private void write() {
        try (Pipeline pipeline = redis.pipelined()) {
            waiting.forEach((customer, latest) -> pipeline.set(
                    ("jvm:" + customer).getBytes(StandardCharsets.UTF_8),
                    documents.document(latest.features(), latest.risk())));
            pipeline.incrBy(PROGRESS, events);
        }
        waiting.clear();
        events = eventsBefore = 0;
    }

    @Override
    public void close() {
        if (events > 0) {
            write();
        }
        redis.close();
    }
}
