// One of the Kafka modules of Testcontainers for Java on the image that is named, a record there and back, and
// its end: Modules MODULE IMAGE [ZOOKEEPER].
import com.github.dockerjava.api.command.InspectContainerResponse;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.testcontainers.containers.GenericContainer;
import org.testcontainers.images.builder.Transferable;
import org.testcontainers.kafka.ConfluentKafkaContainer;
import org.testcontainers.utility.DockerImageName;

public class Modules {
  private static final String SECURITY = "org.apache.kafka.common.security.";
  private static final String PLAIN = SECURITY + "plain.PlainLoginModule required username=\"admin\" password=\"secret\"";
  private static final String SCRAM = SECURITY + "scram.ScramLoginModule required username=\"admin\" password=\"secret\";";
  private static final String JAAS_FILE = "/etc/kafka/secrets/kafka_server_jaas.conf";

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
      case "sasl-plain" -> {
        var kafka = withLogin(new ConfluentKafkaContainer(confluent), "PLAIN")
            .withEnv("KAFKA_LISTENER_NAME_BROKER_PLAIN_SASL_JAAS_CONFIG", PLAIN + " user_admin=\"secret\";")
            .withEnv("KAFKA_LISTENER_NAME_PLAINTEXT_PLAIN_SASL_JAAS_CONFIG", PLAIN + " user_admin=\"secret\";");
        check(kafka, kafka::getBootstrapServers, login("PLAIN", PLAIN + ";"));
      }
      case "sasl-jaas-file" -> {
        var file = "KafkaServer { " + PLAIN + " user_admin=\"secret\"; };";
        var kafka = withLogin(new org.testcontainers.kafka.KafkaContainer(image.asCompatibleSubstituteFor("apache/kafka")), "PLAIN")
            .withEnv("KAFKA_OPTS", "-Djava.security.auth.login.config=" + JAAS_FILE)
            .withCopyToContainer(Transferable.of(file), JAAS_FILE);
        check(kafka, kafka::getBootstrapServers, login("PLAIN", PLAIN + ";"));
      }
      case "sasl-scram" -> {
        var kafka = withLogin(new WithUser(confluent), "SCRAM-SHA-256")
            .withEnv("KAFKA_OPTS", "-Djava.security.auth.login.config=" + JAAS_FILE)
            .withCopyToContainer(Transferable.of("KafkaServer { " + SCRAM + " };"), JAAS_FILE);
        check(kafka, kafka::getBootstrapServers, login("SCRAM-SHA-256", SCRAM));
      }
      default -> throw new IllegalArgumentException("there is no module " + words[0]);
    }
  }

  /** Has a user made before the node starts, as its users are told to do it. */
  private static class WithUser extends ConfluentKafkaContainer {
    WithUser(DockerImageName image) {
      super(image);
    }

    @Override
    protected void containerIsStarting(InspectContainerResponse info) {
      var format = "kafka-storage format --ignore-formatted -t \\\"$CLUSTER_ID\\\""
          + " --add-scram SCRAM-SHA-256=[name=admin,password=secret] -c /etc/kafka/kafka.properties";
      try {
        execInContainer("bash", "-c", "echo \"" + format + "\" >> /etc/confluent/docker/configure");
      } catch (Exception e) {
        throw new IllegalStateException(e);
      }
      super.containerIsStarting(info);
    }
  }

  private static <C extends GenericContainer<C>> C withLogin(C container, String mechanism) {
    return container
        .withEnv("KAFKA_LISTENER_SECURITY_PROTOCOL_MAP", "PLAINTEXT:SASL_PLAINTEXT,BROKER:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT")
        .withEnv("KAFKA_SASL_MECHANISM_INTER_BROKER_PROTOCOL", mechanism)
        .withEnv("KAFKA_SASL_ENABLED_MECHANISMS", mechanism);
  }

  private static Map<String, Object> login(String mechanism, String jaas) {
    return Map.of("security.protocol", "SASL_PLAINTEXT", "sasl.mechanism", mechanism, "sasl.jaas.config", jaas);
  }

  private static void check(GenericContainer<?> container, Supplier<String> servers) {
    check(container, servers, Map.of());
  }

  private static void check(GenericContainer<?> container, Supplier<String> servers, Map<String, Object> client) {
    long startedNs = System.nanoTime();
    try (container) {
      container.withStartupTimeout(Duration.ofSeconds(30)).withStartupAttempts(1).start();
      System.out.printf("started in %d ms%n", (System.nanoTime() - startedNs) / 1_000_000);
      var config = new HashMap<String, Object>(client);
      config.putAll(Map.of("bootstrap.servers", servers.get(), "group.id", "g", "auto.offset.reset", "earliest"));
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
