package peer;

import java.net.URI;
import java.util.Map;

/** From the environment; the first five as for the peers in Python. */
record Options(
        String broker,
        URI redis,
        String[] topics,
        String group,
        String stateDirectory,
        boolean exactlyOnce,
        boolean inMemory,
        long commitMs) {

    static Options of(Map<String, String> environment) {
        return new Options(
                environment.get("BENCH_BROKER"),
                URI.create(environment.get("BENCH_REDIS")),
                environment.get("BENCH_TOPICS").split(","),
                environment.get("BENCH_GROUP"),
                environment.get("BENCH_STATE"),
                environment.containsKey("PEER_EXACTLY_ONCE"),
                environment.containsKey("PEER_IN_MEMORY"),
                Long.parseLong(environment.getOrDefault("PEER_COMMIT_MS", "1000")));
    }
}
