// Latency at a fixed rate, as an open loop: every record has a moment at which it is due, and its latency is
// counted from then, so that a stall counts for all the records that it holds up and not only for the first.
// Arguments: bootstrap servers, topic, records, acks, record size, records per second, warm-up records.
// Prints a line of JSON. Each record carries its number; one that is lost or comes twice ends this with an error.
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;

public class AtRate {
  private static final long SILENCE_LIMIT_NANOS = 20_000_000_000L;

  private final String topic;
  private final int warmUp;
  private final int size;
  private final long[] due;
  private final long[] acknowledged;
  private final long[] consumed;
  private volatile Exception problem;

  private AtRate(String[] args) {
    topic = args[1];
    warmUp = Integer.parseInt(args[6]);
    size = Math.max(4, Integer.parseInt(args[4]));
    int total = warmUp + Integer.parseInt(args[2]);
    due = new long[total];
    acknowledged = new long[total];
    consumed = new long[total];
  }

  public static void main(String[] args) throws Exception {
    new AtRate(args).run(args);
  }

  private void run(String[] args) throws Exception {
    try (KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(Latency.consumerProperties(args[0]));
        KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(Latency.producerProperties(args[0], args[3]))) {
      TopicPartition partition = new TopicPartition(topic, 0);
      consumer.assign(List.of(partition));
      consumer.seekToEnd(List.of(partition));
      consumer.position(partition);
      producer.partitionsFor(topic);
      long intervalNanos = 1_000_000_000L / Integer.parseInt(args[5]);
      long firstDue = System.nanoTime() + 100_000_000L;
      for (int i = 0; i < due.length; i++) due[i] = firstDue + i * intervalNanos;
      Thread sender = new Thread(() -> send(producer));
      sender.start();
      receive(consumer);
      sender.join();
      producer.flush();
    }
    if (problem != null) throw problem;
    System.out.printf(
        "{\"records\":%d,\"ack\":%s,\"endToEnd\":%s}%n",
        due.length - warmUp, Latency.percentiles(sinceDue(acknowledged)), Latency.percentiles(sinceDue(consumed)));
  }

  private void send(KafkaProducer<byte[], byte[]> producer) {
    for (int i = 0; i < due.length && problem == null; i++) {
      for (long left = due[i] - System.nanoTime(); left > 0; left = due[i] - System.nanoTime())
        LockSupport.parkNanos(left);
      byte[] value = new byte[size];
      ByteBuffer.wrap(value).putInt(i);
      int number = i;
      producer.send(
          new ProducerRecord<>(topic, 0, null, value),
          (metadata, error) -> {
            if (error != null) problem = error;
            acknowledged[number] = System.nanoTime();
          });
    }
  }

  private void receive(KafkaConsumer<byte[], byte[]> consumer) {
    long lastNanos = due[0];
    for (int got = 0; got < due.length && problem == null; ) {
      for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(100))) {
        int number = ByteBuffer.wrap(record.value()).getInt();
        lastNanos = System.nanoTime();
        if (consumed[number] != 0) problem = new IllegalStateException("record " + number + " came twice");
        consumed[number] = lastNanos;
        got++;
      }
      if (System.nanoTime() - lastNanos > SILENCE_LIMIT_NANOS)
        problem = new IllegalStateException("only " + got + " of " + due.length + " records came");
    }
  }

  private long[] sinceDue(long[] moments) {
    long[] nanos = new long[due.length - warmUp];
    for (int i = 0; i < nanos.length; i++) nanos[i] = moments[warmUp + i] - due[warmUp + i];
    return nanos;
  }
}
