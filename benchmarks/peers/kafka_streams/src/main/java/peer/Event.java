package peer;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import org.apache.kafka.common.errors.SerializationException;
import org.apache.kafka.common.serialization.Deserializer;

/**
 * What the job needs of an event.
 *
 * @param fingerprint 64 bits of the event's id
 * @param at seconds since the epoch
 * @param channel 0 click, 1 e-mail, 2 order
 * @param amount of the order, otherwise 0
 */
record Event(long fingerprint, double at, int channel, double amount) {
    static final int CLICK = 0;
    static final int EMAIL = 1;
    static final int ORDER = 2;

    private static final JsonFactory JSON = new JsonFactory();

    static Event parse(byte[] text) {
        long fingerprint = 0;
        double at = Double.NaN;
        double amount = 0.0;
        int channel = -1;
        try (JsonParser parser = JSON.createParser(text)) {
            if (parser.nextToken() != JsonToken.START_OBJECT) {
                throw new SerializationException("an event is a JSON object");
            }
            String field;
            while ((field = parser.nextFieldName()) != null) {
                parser.nextToken();
                switch (field) {
                    case "event_id" -> fingerprint = fingerprint(parser);
                    case "occurred_at" -> at = parser.getDoubleValue();
                    case "amount" -> amount = parser.getDoubleValue();
                    case "name" -> channel = channel(parser.getText());
                    default -> parser.skipChildren();
                }
            }
        } catch (IOException error) {
            throw new SerializationException(error);
        }
        if (Double.isNaN(at) || channel < 0) {
            throw new SerializationException("an event has a time and a known name");
        }
        return new Event(fingerprint, at, channel, amount);
    }

    private static int channel(String name) {
        return switch (name) {
            case "product_viewed", "product_added", "page_viewed" -> CLICK;
            case "sent", "opened", "clicked" -> EMAIL;
            case "completed" -> ORDER;
            default -> -1;
        };
    }

    /** FNV-1a of the characters, finished as in SplitMix64; 0 stands for an empty place and is not used. */
    private static long fingerprint(JsonParser parser) throws IOException {
        char[] characters = parser.getTextCharacters();
        long hash = 0xcbf29ce484222325L;
        int end = parser.getTextOffset() + parser.getTextLength();
        for (int at = parser.getTextOffset(); at < end; at++) {
            hash = (hash ^ characters[at]) * 0x100000001b3L;
        }
        hash = (hash ^ (hash >>> 30)) * 0xbf58476d1ce4e5b9L;
        hash = (hash ^ (hash >>> 27)) * 0x94d049bb133111ebL;
        hash ^= hash >>> 31;
        return hash == 0 ? 1 : hash;
    }

    /** Reads events from the topics. */
    static final class FromJson implements Deserializer<Event> {
        @Override
        public Event deserialize(String topic, byte[] text) {
            return text == null ? null : parse(text);
        }
    }
}
