package peer;

import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.apache.kafka.streams.AutoOffsetReset;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.StoreBuilder;
import org.apache.kafka.streams.state.Stores;

/** The peer on Kafka Streams; it runs until it is killed. */
public final class Peer {
    private static final String ALERTS = "peers-alerts";
    private static final long CACHE_BYTES = 256L << 20;

    private Peer() {}

    public static void main(String[] arguments) throws InterruptedException {
        Options options = Options.of(System.getenv());
        CountDownLatch failed = new CountDownLatch(1);
        try (KafkaStreams streams = new KafkaStreams(topology(options), properties(options))) {
            streams.setUncaughtExceptionHandler(error -> {
                error.printStackTrace();
                failed.countDown();
                return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
            });
            streams.start();
            failed.await();
        }
        System.exit(1);
    }

    private static Topology topology(Options options) {
        Topology topology = new Topology();
        // The brokers stamp records at their append, and Streams aligns the topics by the stamp: it takes the event's.
        topology.addSource(
                AutoOffsetReset.earliest(),
                "events",
                (record, partitionTime) -> Math.round(((Event) record.value()).at() * 1000.0),
                new StringDeserializer(),
                new Event.FromJson(),
                options.topics());
        topology.addProcessor("job", () -> new CustomerProcessor(options), "events");
        topology.addStateStore(customers(options), "job");
        topology.addSink("alerts", ALERTS, new StringSerializer(), new ByteArraySerializer(), "job");
        return topology;
    }

    private static StoreBuilder<KeyValueStore<String, Customer>> customers(Options options) {
        String name = CustomerProcessor.STORE;
        return options.inMemory()
                ? Stores.keyValueStoreBuilder(Stores.inMemoryKeyValueStore(name), Serdes.String(), Customer.serde())
                        .withLoggingDisabled()
                : Stores.keyValueStoreBuilder(Stores.persistentKeyValueStore(name), Serdes.String(), Customer.serde())
                        .withCachingEnabled();
    }

    private static Properties properties(Options options) {
        Properties properties = new Properties();
        properties.put(StreamsConfig.APPLICATION_ID_CONFIG, options.group());
        properties.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, options.broker());
        properties.put(StreamsConfig.STATE_DIR_CONFIG, options.stateDirectory());
        properties.put(
                StreamsConfig.PROCESSING_GUARANTEE_CONFIG,
                options.exactlyOnce() ? StreamsConfig.EXACTLY_ONCE_V2 : StreamsConfig.AT_LEAST_ONCE);
        properties.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, options.commitMs());
        properties.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, CACHE_BYTES);
        properties.put(StreamsConfig.BUFFERED_RECORDS_PER_PARTITION_CONFIG, 5_000);
        properties.put(StreamsConfig.consumerPrefix(ConsumerConfig.MAX_POLL_RECORDS_CONFIG), 10_000);
        properties.put(StreamsConfig.producerPrefix(ProducerConfig.COMPRESSION_TYPE_CONFIG), "lz4");
        properties.put(StreamsConfig.producerPrefix(ProducerConfig.BATCH_SIZE_CONFIG), 128 << 10);
        return properties;
    }
}
