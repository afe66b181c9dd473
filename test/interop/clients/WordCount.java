import java.util.Arrays;
import java.util.Properties;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.state.Stores;

/**
 * Kafka Streams' word count, exactly once: every count that a word reaches goes out as a record. Arguments: bootstrap
 * servers, input, output, directory for state. Says "running" once it does; an error that Streams does not get over
 * by itself ends it.
 */
public class WordCount {
    public static void main(String[] args) {
        Properties properties = new Properties();
        properties.put("application.id", "word-count");
        properties.put("bootstrap.servers", args[0]);
        properties.put("state.dir", args[3]);
        properties.put("processing.guarantee", "exactly_once_v2");
        properties.put("commit.interval.ms", 100);
        properties.put("statestore.cache.max.bytes", 0);
        properties.put("replication.factor", 3);
        properties.put("consumer.auto.offset.reset", "earliest");
        StreamsBuilder builder = new StreamsBuilder();
        builder.stream(args[1], Consumed.with(Serdes.String(), Serdes.String()))
            .flatMapValues(line -> Arrays.asList(line.split(" ")))
            .groupBy((key, word) -> word, Grouped.with(Serdes.String(), Serdes.String()))
            .count(Materialized.<String, Long>as(Stores.inMemoryKeyValueStore("counts")).withKeySerde(Serdes.String()).withValueSerde(Serdes.Long()))
            .toStream()
            .mapValues(count -> Long.toString(count))
            .to(args[2], Produced.with(Serdes.String(), Serdes.String()));
        KafkaStreams streams = new KafkaStreams(builder.build(), properties);
        streams.setUncaughtExceptionHandler(error -> {
            System.out.println("failed: " + error + ", because of " + error.getCause());
            return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
        });
        streams.setStateListener((now, before) -> {
            if (now == KafkaStreams.State.RUNNING) System.out.println("running");
            if (now == KafkaStreams.State.ERROR) System.exit(1);
        });
        streams.start();
    }
}
