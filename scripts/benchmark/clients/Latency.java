// End-to-end latency as Kafka's EndToEndLatency measures it, in microseconds instead of whole milliseconds:
// one record at a time is produced, acknowledged and consumed.
// Arguments: bootstrap servers, topic, records, acks, record size. Prints a line of JSON.
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;

public class Latency {
  public static void main(String[] args) throws Exception {
    String topic = args[1];
    int records = Integer.parseInt(args[2]);
    int warmUp = Math.max(500, records / 4);
    byte[] value = new byte[Integer.parseInt(args[4])];
    long[] acknowledged = new long[records];
    long[] consumed = new long[records];
    try (KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(consumerProperties(args[0]));
        KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(producerProperties(args[0], args[3]))) {
      TopicPartition partition = new TopicPartition(topic, 0);
      consumer.assign(List.of(partition));
      consumer.seekToEnd(List.of(partition));
      consumer.position(partition);
      for (int i = -warmUp; i < records; i++) {
        long begin = System.nanoTime();
        producer.send(new ProducerRecord<>(topic, 0, null, value)).get();
        long middle = System.nanoTime();
        ConsumerRecords<byte[], byte[]> got = consumer.poll(Duration.ofSeconds(30));
        long end = System.nanoTime();
        if (got.count() != 1) throw new IllegalStateException("expected one record, got " + got.count());
        if (i < 0) continue;
        acknowledged[i] = middle - begin;
        consumed[i] = end - begin;
      }
    }
    System.out.printf(
        "{\"records\":%d,\"ack\":%s,\"endToEnd\":%s}%n", records, percentiles(acknowledged), percentiles(consumed));
  }

  static Properties consumerProperties(String bootstrapServers) {
    Properties properties = new Properties();
    properties.put("bootstrap.servers", bootstrapServers);
    properties.put("key.deserializer", "org.apache.kafka.common.serialization.ByteArrayDeserializer");
    properties.put("value.deserializer", "org.apache.kafka.common.serialization.ByteArrayDeserializer");
    properties.put("fetch.max.wait.ms", "500");
    return properties;
  }

  static Properties producerProperties(String bootstrapServers, String acks) {
    Properties properties = new Properties();
    properties.put("bootstrap.servers", bootstrapServers);
    properties.put("acks", acks);
    properties.put("linger.ms", "0");
    properties.put("key.serializer", "org.apache.kafka.common.serialization.ByteArraySerializer");
    properties.put("value.serializer", "org.apache.kafka.common.serialization.ByteArraySerializer");
    return properties;
  }

  static String percentiles(long[] nanos) {
    Arrays.sort(nanos);
    return String.format(
        "{\"p50\":%.3f,\"p99\":%.3f,\"p999\":%.3f}", at(nanos, 0.5), at(nanos, 0.99), at(nanos, 0.999));
  }

  private static double at(long[] sorted, double share) {
    return sorted[Math.min(sorted.length - 1, (int) (sorted.length * share))] / 1e6;
  }
}
