// Transactions one after the other on Kafka's Java client: so many records each, spread over the partitions, then the
// commit, whose latency is what counts. Afterwards a reader of committed data must find every record once.
// Arguments: bootstrap servers, topic, transactions, acks, record size, records per transaction, partitions, warm-up
// transactions. Prints a line of JSON.
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;

public class Transactions {
  private static final long SILENCE_LIMIT_NANOS = 20_000_000_000L;

  public static void main(String[] args) throws Exception {
    String topic = args[1];
    int transactions = Integer.parseInt(args[2]);
    int size = Math.max(4, Integer.parseInt(args[4]));
    int recordsEach = Integer.parseInt(args[5]);
    int partitions = Integer.parseInt(args[6]);
    int warmUp = Integer.parseInt(args[7]);
    long[] commits = new long[transactions];
    long begunNanos = 0;
    int number = 0;
    Properties properties = Latency.producerProperties(args[0], args[3]);
    properties.put("transactional.id", topic);
    // All records of a transaction are there before its commit: what is waited for is only the commit.
    properties.put("linger.ms", "5");
    try (KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(properties)) {
      producer.initTransactions();
      for (int i = -warmUp; i < transactions; i++) {
        if (i == 0) begunNanos = System.nanoTime();
        producer.beginTransaction();
        for (int each = 0; each < recordsEach; each++, number++) {
          byte[] value = new byte[size];
          ByteBuffer.wrap(value).putInt(number);
          producer.send(new ProducerRecord<>(topic, number % partitions, null, value));
        }
        producer.flush();
        long flushed = System.nanoTime();
        producer.commitTransaction();
        if (i >= 0) commits[i] = System.nanoTime() - flushed;
      }
    }
    double seconds = (System.nanoTime() - begunNanos) / 1e9;
    readAll(args[0], topic, partitions, number);
    System.out.printf(
        "{\"records\":%d,\"transactionsPerSecond\":%.3f,\"recordsPerSecond\":%.3f,\"commit\":%s}%n",
        transactions, transactions / seconds, transactions * (double) recordsEach / seconds, Latency.percentiles(commits));
  }

  private static void readAll(String bootstrapServers, String topic, int partitions, int count) {
    Properties properties = Latency.consumerProperties(bootstrapServers);
    properties.put("isolation.level", "read_committed");
    BitSet seen = new BitSet(count);
    try (KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(properties)) {
      List<TopicPartition> all = new ArrayList<>();
      for (int partition = 0; partition < partitions; partition++) all.add(new TopicPartition(topic, partition));
      consumer.assign(all);
      consumer.seekToBeginning(all);
      long lastNanos = System.nanoTime();
      while (seen.cardinality() < count) {
        for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(100))) {
          int number = ByteBuffer.wrap(record.value()).getInt();
          if (seen.get(number)) throw new IllegalStateException("record " + number + " came twice");
          seen.set(number);
          lastNanos = System.nanoTime();
        }
        if (System.nanoTime() - lastNanos > SILENCE_LIMIT_NANOS)
          throw new IllegalStateException("only " + seen.cardinality() + " of " + count + " records came");
      }
    }
  }
}
