package peer;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.StreamWriteFeature;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;

/** What is written to Redis for a customer, and what is published when the risk crosses the level. */
final class Documents {
    private static final JsonFactory JSON =
            JsonFactory.builder().enable(StreamWriteFeature.USE_FAST_DOUBLE_WRITER).build();

    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream(1024);

    byte[] document(double[] features, double risk) {
        return json(null, features, risk);
    }

    byte[] alert(String customer, double[] features, double risk) {
        return json(customer, features, risk);
    }

    private byte[] json(String customer, double[] features, double risk) {
        bytes.reset();
        try (JsonGenerator json = JSON.createGenerator(bytes)) {
            json.writeStartObject();
            if (customer != null) {
                json.writeStringField("customer_id", customer);
            }
            json.writeObjectFieldStart("features");
            for (int k = 0; k < features.length; k++) {
                json.writeNumberField(Customer.NAMES[k], features[k]);
            }
            json.writeEndObject();
            json.writeNumberField("risk", risk);
            json.writeEndObject();
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        }
        return bytes.toByteArray();
    }
}
