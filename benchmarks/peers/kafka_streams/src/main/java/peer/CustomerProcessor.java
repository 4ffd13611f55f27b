package peer;

import java.time.Duration;
import org.apache.kafka.streams.processor.PunctuationType;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueStore;

/** The job of {@code job.py}: duplicates, windows, features, model, alert. */
final class CustomerProcessor implements Processor<String, Event, String, byte[]> {
    static final String STORE = "customers";
    private static final double RAISE_AT = 0.7;
    private static final int LEARN_EVERY = 20;
    private static final Duration TICK = Duration.ofMillis(20);

    /** One for each thread, as each Python peer has one for its process. */
    private static final class Learning {
        private final ChurnModel model = new ChurnModel();
        private long events;
    }

    private static final ThreadLocal<Learning> LEARNING = ThreadLocal.withInitial(Learning::new);

    private final Options options;
    private final Documents documents = new Documents();
    private ProcessorContext<String, byte[]> context;
    private KeyValueStore<String, Customer> customers;
    private RedisWriter redis;

    CustomerProcessor(Options options) {
        this.options = options;
    }

    @Override
    public void init(ProcessorContext<String, byte[]> context) {
        this.context = context;
        customers = context.getStateStore(STORE);
        redis = new RedisWriter(options);
        context.schedule(TICK, PunctuationType.WALL_CLOCK_TIME, now -> redis.tick());
    }

    @Override
    public void process(Record<String, Event> record) {
        Event event = record.value();
        Customer customer = customers.get(record.key());
        if (customer == null) {
            customer = new Customer(event.at());
        }
        if (!customer.remember(event.fingerprint())) {
            redis.count();
            return;
        }
        Learning learning = LEARNING.get();
        double[] features = customer.apply(event);
        double risk = learning.model.risk(features);
        if (++learning.events % LEARN_EVERY == 0) {
            learning.model.learn(features, Customer.recency(features) > 1.0);
        }
        boolean crossed = risk >= RAISE_AT && customer.risk < RAISE_AT;
        customer.risk = risk;
        customers.put(record.key(), customer);
        redis.put(record.key(), features, risk);
        if (crossed) {
            context.forward(record.withValue(documents.alert(record.key(), features, risk)));
        }
    }

    @Override
    public void close() {
        redis.close();
    }
}
