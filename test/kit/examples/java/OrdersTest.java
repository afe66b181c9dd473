import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Map;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringSerializer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

@ExtendWith(OdradekExtension.class)
class OrdersTest {
    @Test
    void ordersSurviveTheirLeader() throws Exception {
        OdradekExtension.ask("createTopics", "{\"topics\":[\"orders\"]}");
        String leader = OdradekExtension.ask("awaitLeader", "{\"topic\":\"orders\"}");
        Map<String, Object> config = Map.of("bootstrap.servers", OdradekExtension.bootstrapServers());
        try (var producer = new KafkaProducer<>(config, new StringSerializer(), new StringSerializer())) {
            producer.send(new ProducerRecord<>("orders", "one")).get();
            OdradekExtension.ask("stop", "{\"broker\":" + leader + "}");
            assertEquals(1, producer.send(new ProducerRecord<>("orders", "two")).get().offset());
        }
        OdradekExtension.ask("start", "{\"broker\":" + leader + "}");
        OdradekExtension.ask("awaitIsr", "{\"topic\":\"orders\",\"isr\":3}");
        OdradekExtension.ask(
            "expectEveryAcknowledgedRecordOnce", "{\"topic\":\"orders\",\"acknowledged\":[\"one\",\"two\"]}");
    }

    @Test
    void itIsNewForEachTest() throws Exception {
        assertTrue(OdradekExtension.ask("createTopics", "{\"topics\":[\"orders\"]}").equals("{}"));
    }
}
