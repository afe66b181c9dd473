// One of the Kafka modules of Testcontainers for Java on the image that is named, a record there and back, and
// its end: Modules MODULE IMAGE [ZOOKEEPER].
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.testcontainers.containers.GenericContainer;
import org.testcontainers.kafka.ConfluentKafkaContainer;
import org.testcontainers.utility.DockerImageName;

public class Modules {
  public static void main(String[] words) {
    var image = DockerImageName.parse(words[1]);
    var confluent = image.asCompatibleSubstituteFor("confluentinc/cp-kafka");
    switch (words[0]) {
      case "apache" -> {
        var kafka = new org.testcontainers.kafka.KafkaContainer(image.asCompatibleSubstituteFor("apache/kafka"));
        check(kafka, kafka::getBootstrapServers);
      }
      case "confluent" -> {
        var kafka = new ConfluentKafkaContainer(confluent);
        check(kafka, kafka::getBootstrapServers);
      }
      case "embedded", "kraft", "external" -> {
        var kafka = new org.testcontainers.containers.KafkaContainer(confluent);
        if (words[0].equals("kraft")) kafka.withKraft();
        if (words[0].equals("external")) kafka.withExternalZookeeper(words[2]);
        check(kafka, kafka::getBootstrapServers);
      }
      default -> throw new IllegalArgumentException("there is no module " + words[0]);
    }
  }

  private static void check(GenericContainer<?> container, Supplier<String> servers) {
    long startedNs = System.nanoTime();
    try (container) {
      container.withStartupTimeout(Duration.ofSeconds(30)).withStartupAttempts(1).start();
      System.out.printf("started in %d ms%n", (System.nanoTime() - startedNs) / 1_000_000);
      Map<String, Object> config =
          Map.of("bootstrap.servers", servers.get(), "group.id", "g", "auto.offset.reset", "earliest");
      try (var producer = new KafkaProducer<>(config, new StringSerializer(), new StringSerializer())) {
        producer.send(new ProducerRecord<>("t", "hello"));
      }
      try (var consumer = new KafkaConsumer<>(config, new StringDeserializer(), new StringDeserializer())) {
        consumer.subscribe(List.of("t"));
        for (int tries = 0; tries < 20; tries++) {
          var records = consumer.poll(Duration.ofSeconds(1));
          if (records.isEmpty()) continue;
          System.out.println("read " + records.iterator().next().value());
          return;
        }
      }
      throw new IllegalStateException("nothing was read");
    }
  }
}
