package stormglass;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.ObjectWriter;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.processor.api.ContextualProcessor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.Stores;

/**
 * Ticks in, predictions out, by Kafka Streams, exactly once. State is in memory behind the record cache, with a changelog: what
 * Streams offers that is fastest and still survives a crash.
 */
public final class Peer {
    private static final String STORE = "symbols";
    private static final double THRESHOLD = 0.5;
    private static final ObjectMapper JSON = new ObjectMapper();

    private Peer() {}

    /** {@code SERVERS TICKS OUTPUT APPLICATION COMMIT_INTERVAL_MS FOREST STATE_FOLDER} */
    public static void main(String[] arguments) throws IOException {
        Properties settings = new Properties();
        settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, arguments[0]);
        settings.put(StreamsConfig.APPLICATION_ID_CONFIG, arguments[3]);
        settings.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, arguments[4]);
        settings.put(StreamsConfig.STATE_DIR_CONFIG, arguments[6]);
        settings.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
        settings.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest");
        Forest forest = Forest.read(new File(arguments[5]));

        StreamsBuilder builder = new StreamsBuilder();
        builder.addStateStore(
                Stores.keyValueStoreBuilder(Stores.inMemoryKeyValueStore(STORE), Serdes.String(), State.serde()).withCachingEnabled());
        builder.stream(arguments[1], Consumed.with(Serdes.String(), json(Tick.class)))
                .process(() -> new Predictor(forest), STORE)
                .to(arguments[2], Produced.with(Serdes.String(), json(Prediction.class)));
        KafkaStreams streams = new KafkaStreams(builder.build(), settings);
        streams.setUncaughtExceptionHandler(error -> {
            error.printStackTrace();
            return org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
        });
        Runtime.getRuntime().addShutdownHook(new Thread(streams::close));
        streams.start();
    }

    private static final class Predictor extends ContextualProcessor<String, Tick, String, Prediction> {
        private final Forest forest;
        private KeyValueStore<String, State> symbols;

        Predictor(Forest forest) {
            this.forest = forest;
        }

        @Override
        public void init(ProcessorContext<String, Prediction> context) {
            super.init(context);
            symbols = context.getStateStore(STORE);
        }

        @Override
        public void process(Record<String, Tick> record) {
            State state = symbols.get(record.key());
            if (state == null) {
                state = new State();
            }
            state.update(record.value());
            symbols.put(record.key(), state);
            double probability = forest.score(Features.of(state));
            var from = context().recordMetadata().orElseThrow();
            var prediction = new Prediction(
                    record.key(), probability, probability >= THRESHOLD, THRESHOLD, record.value().timestamp(), from.partition(), from.offset());
            String source = from.partition() + ":" + from.offset();
            record.headers().add("src", source.getBytes(StandardCharsets.UTF_8));
            context().forward(record.withValue(prediction));
        }
    }

    private static <T> Serde<T> json(Class<T> type) {
        ObjectReader reader = JSON.readerFor(type);
        ObjectWriter writer = JSON.writerFor(type);
        return Serdes.serdeFrom(
                (topic, value) -> {
                    try {
                        return writer.writeValueAsBytes(value);
                    } catch (IOException error) {
                        throw new UncheckedIOException(error);
                    }
                },
                (topic, bytes) -> {
                    try {
                        return reader.readValue(bytes);
                    } catch (IOException error) {
                        throw new UncheckedIOException(error);
                    }
                });
    }
}
