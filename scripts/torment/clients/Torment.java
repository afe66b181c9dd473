// Kafka's own producers and readers: for each topic a writer and a reader, which write down all they do as README.md
// tells. Arguments: bootstrap servers, partitions, seed, directory of the histories, and for each topic MODE:TOPIC.
import java.io.BufferedReader;
import java.io.FileWriter;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Queue;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.kafka.clients.consumer.ConsumerGroupMetadata;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.NotEnoughReplicasException;

public class Torment {
  private static final int PAUSE_MS = 40;
  private static final int MAX_WAITING = 200;
  private static final long COMMIT_MS = 400;
  private static final long DRAIN_MS = 40_000;
  private static final Duration ANSWER = Duration.ofSeconds(15);

  private static String bootstrap;
  private static int partitions;
  private static int seed;
  private static Path directory;
  private static volatile boolean stopping;
  private static volatile boolean draining;
  private static final Map<String, long[]> targets = new ConcurrentHashMap<>();

  public static void main(String[] args) throws Exception {
    bootstrap = args[0];
    partitions = Integer.parseInt(args[1]);
    seed = Integer.parseInt(args[2]);
    directory = Path.of(args[3]);
    List<String> topics = new ArrayList<>();
    List<Thread> writers = new ArrayList<>();
    List<Thread> readers = new ArrayList<>();
    for (int i = 4; i < args.length; i++) {
      String[] words = args[i].split(":", 2);
      topics.add(words[1]);
      writers.add(new Thread(new Writer(words[0], words[1])));
      readers.add(new Thread(new Reader(words[0], words[1])));
    }
    for (Thread thread : writers) thread.start();
    for (Thread thread : readers) thread.start();
    BufferedReader input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = input.readLine(); line != null; line = input.readLine()) {
      String[] words = line.trim().split(" ");
      if (words[0].equals("stop")) {
        stopping = true;
        for (Thread thread : writers) thread.join();
        System.out.println("stopped");
      } else if (words[0].equals("drain")) {
        for (int topic = 0; topic < topics.size(); topic++) {
          long[] offsets = new long[partitions];
          for (int each = 0; each < partitions; each++) offsets[each] = Long.parseLong(words[1 + topic * partitions + each]);
          targets.put(topics.get(topic), offsets);
        }
        draining = true;
        for (Thread thread : readers) thread.join();
        System.exit(0);
      }
    }
    // Whoever wanted this program is gone.
    Runtime.getRuntime().halt(1);
  }

  /** One line for each entry; the producer's own thread writes as well. */
  private static final class History {
    private final PrintWriter file;

    History(String name) {
      try {
        file = new PrintWriter(new FileWriter(directory.resolve(name).toFile(), StandardCharsets.UTF_8), false);
      } catch (IOException problem) {
        throw new UncheckedIOException(problem);
      }
    }

    synchronized void write(String type, String deed, String fields) {
      Instant now = Instant.now();
      double at = now.getEpochSecond() * 1000.0 + now.getNano() / 1000 / 1000.0;
      file.printf("{\"at\":%.3f,\"type\":\"%s\",\"do\":\"%s\"%s}\n", at, type, deed, fields);
      file.flush();
    }
  }

  private static String because(Throwable problem) {
    return ",\"error\":\"" + problem.getClass().getSimpleName() + "\"";
  }

  /** A record, and a transaction that it may be in: records that were not acknowledged spoil it. */
  private record Sent(int id, int partition, int transaction, AtomicBoolean spoilt) {}

  private static final class Writer implements Runnable {
    private final String mode;
    private final String topic;
    private final History history;
    private final Random random;
    private final AtomicInteger waiting = new AtomicInteger();
    private final Queue<Sent> again = new ConcurrentLinkedQueue<>();
    private int nextId;

    Writer(String mode, String topic) {
      this.mode = mode;
      this.topic = topic;
      history = new History(topic + ".writer.jsonl");
      random = new Random(seed * 31L + topic.hashCode());
    }

    @Override
    public void run() {
      try {
        if (mode.equals("transactional")) writeTransactions();
        else writeRecords();
      } catch (InterruptedException ended) {
        Thread.currentThread().interrupt();
      }
    }

    private KafkaProducer<byte[], byte[]> producer() {
      Properties properties = new Properties();
      properties.put("bootstrap.servers", bootstrap);
      properties.put("key.serializer", "org.apache.kafka.common.serialization.ByteArraySerializer");
      properties.put("value.serializer", "org.apache.kafka.common.serialization.ByteArraySerializer");
      properties.put("acks", "all");
      properties.put("linger.ms", "5");
      properties.put("request.timeout.ms", "3000");
      properties.put("retry.backoff.ms", "50");
      properties.put("reconnect.backoff.max.ms", "500");
      properties.put("socket.connection.setup.timeout.ms", "2000");
      properties.put("max.block.ms", "15000");
      // Each attempt of a plain one is the program's own, so that its outcome is known.
      if (mode.equals("plain")) {
        properties.put("enable.idempotence", "false");
        properties.put("retries", "0");
        properties.put("delivery.timeout.ms", "4000");
      }
      if (mode.equals("idempotent")) properties.put("delivery.timeout.ms", "90000");
      if (mode.equals("transactional")) {
        properties.put("transactional.id", topic);
        properties.put("transaction.timeout.ms", "10000");
        properties.put("delivery.timeout.ms", "9000");
      }
      return new KafkaProducer<>(properties);
    }

    private Sent next(int transaction, AtomicBoolean spoilt) {
      return new Sent(nextId++, random.nextInt(partitions), transaction, spoilt);
    }

    private void send(KafkaProducer<byte[], byte[]> producer, Sent sent) {
      String within = sent.transaction < 0 ? "" : ",\"transaction\":" + sent.transaction;
      String told = ",\"id\":" + sent.id + ",\"partition\":" + sent.partition + within;
      history.write("invoke", "send", told);
      waiting.incrementAndGet();
      byte[] value = (topic + "/" + sent.id).getBytes(StandardCharsets.UTF_8);
      producer.send(new ProducerRecord<>(topic, sent.partition, null, value), (metadata, problem) -> {
        waiting.decrementAndGet();
        if (problem == null) {
          // Of a record that it takes for a duplicate the client does not know where it is.
          history.write("ok", "send", metadata.hasOffset() ? told + ",\"offset\":" + metadata.offset() : told);
          return;
        }
        boolean certain = mode.equals("plain") && problem.getClass() == NotEnoughReplicasException.class;
        history.write(certain ? "fail" : "info", "send", told + because(problem));
        sent.spoilt.set(true);
        if (mode.equals("plain")) again.add(sent);
      });
    }

    private void writeRecords() throws InterruptedException {
      AtomicBoolean nothing = new AtomicBoolean();
      try (KafkaProducer<byte[], byte[]> producer = producer()) {
        for (int turn = 0; !stopping; turn++) {
          if (turn % 5 == 0) {
            for (int left = again.size(); left > 0; left--) send(producer, again.remove());
          }
          int fresh = waiting.get() < MAX_WAITING ? 1 + random.nextInt(3) : 0;
          for (int each = 0; each < fresh; each++) send(producer, next(-1, nothing));
          Thread.sleep(PAUSE_MS);
        }
      }
    }

    private void writeTransactions() throws InterruptedException {
      KafkaProducer<byte[], byte[]> producer = null;
      for (int transaction = 0; !stopping; transaction++) {
        try {
          if (producer == null) producer = ready();
          writeTransaction(producer, transaction);
        } catch (KafkaException | IllegalStateException problem) {
          // Whether it was decided, the next one to take up the id finds out.
          if (producer != null) producer.close(Duration.ZERO);
          producer = null;
          Thread.sleep(100);
        }
        Thread.sleep(PAUSE_MS);
      }
      // An open transaction would hold readers up.
      if (producer == null) producer = ready();
      producer.close(Duration.ofSeconds(5));
    }

    private KafkaProducer<byte[], byte[]> ready() {
      KafkaProducer<byte[], byte[]> producer = producer();
      try {
        producer.initTransactions();
        return producer;
      } catch (KafkaException problem) {
        producer.close(Duration.ZERO);
        throw problem;
      }
    }

    private void writeTransaction(KafkaProducer<byte[], byte[]> producer, int transaction) {
      AtomicBoolean spoilt = new AtomicBoolean();
      producer.beginTransaction();
      for (int left = 2 + random.nextInt(5); left > 0; left--) send(producer, next(transaction, spoilt));
      boolean commits = random.nextInt(5) > 0;
      producer.flush();
      try {
        var offset = Map.of(new TopicPartition(topic, 0), new OffsetAndMetadata(transaction));
        if (!spoilt.get()) producer.sendOffsetsToTransaction(offset, new ConsumerGroupMetadata(topic + "-transactions"));
      } catch (KafkaException problem) {
        spoilt.set(true);
      }
      String deed = commits && !spoilt.get() ? "commit" : "abort";
      String told = ",\"transaction\":" + transaction;
      history.write("invoke", deed, told);
      try {
        if (deed.equals("commit")) producer.commitTransaction();
        else producer.abortTransaction();
        history.write("ok", deed, told);
      } catch (KafkaException problem) {
        history.write("info", deed, told + because(problem));
        throw problem;
      }
    }
  }

  private static final class Reader implements Runnable, ConsumerRebalanceListener {
    private final String topic;
    private final History history;
    private final KafkaConsumer<byte[], byte[]> consumer;
    private final Map<Integer, Long> last = new TreeMap<>();

    Reader(String mode, String topic) {
      this.topic = topic;
      history = new History(topic + ".reader.jsonl");
      Properties properties = new Properties();
      properties.put("bootstrap.servers", bootstrap);
      properties.put("key.deserializer", "org.apache.kafka.common.serialization.ByteArrayDeserializer");
      properties.put("value.deserializer", "org.apache.kafka.common.serialization.ByteArrayDeserializer");
      properties.put("group.id", topic);
      properties.put("auto.offset.reset", "earliest");
      properties.put("enable.auto.commit", "false");
      properties.put("isolation.level", mode.equals("transactional") ? "read_committed" : "read_uncommitted");
      properties.put("session.timeout.ms", "6000");
      properties.put("heartbeat.interval.ms", "1000");
      properties.put("request.timeout.ms", "5000");
      properties.put("fetch.max.wait.ms", "100");
      properties.put("reconnect.backoff.max.ms", "500");
      properties.put("socket.connection.setup.timeout.ms", "2000");
      consumer = new KafkaConsumer<>(properties);
    }

    private static String offsets(Map<Integer, Long> offsets) {
      List<String> pairs = new ArrayList<>();
      for (Map.Entry<Integer, Long> each : offsets.entrySet()) pairs.add("[" + each.getKey() + "," + each.getValue() + "]");
      return ",\"offsets\":[" + String.join(",", pairs) + "]";
    }

    @Override
    public void onPartitionsRevoked(Collection<TopicPartition> revoked) {}

    @Override
    public void onPartitionsAssigned(Collection<TopicPartition> assigned) {
      // What was read and not committed is read again.
      last.clear();
      askOffsets(assigned);
    }

    private void askOffsets(Collection<TopicPartition> asked) {
      Map<Integer, Long> none = new TreeMap<>();
      for (TopicPartition each : asked) none.put(each.partition(), -1L);
      history.write("invoke", "fetch-offsets", offsets(none));
      try {
        Map<Integer, Long> found = new TreeMap<>(none);
        consumer.committed(new HashSet<>(asked), ANSWER).forEach((partition, offset) -> {
          if (offset != null) found.put(partition.partition(), offset.offset());
        });
        history.write("ok", "fetch-offsets", offsets(found));
      } catch (KafkaException problem) {
        history.write("info", "fetch-offsets", offsets(none) + because(problem));
      }
    }

    private void commit() {
      if (last.isEmpty()) return;
      Map<TopicPartition, OffsetAndMetadata> wanted = new HashMap<>();
      Map<Integer, Long> next = new TreeMap<>();
      last.forEach((partition, offset) -> {
        next.put(partition, offset + 1);
        wanted.put(new TopicPartition(topic, partition), new OffsetAndMetadata(offset + 1));
      });
      history.write("invoke", "commit-offsets", offsets(next));
      try {
        consumer.commitSync(wanted, ANSWER);
        history.write("ok", "commit-offsets", offsets(next));
      } catch (KafkaException problem) {
        history.write("info", "commit-offsets", offsets(next) + because(problem));
      }
    }

    private boolean isDone() {
      long[] wanted = targets.get(topic);
      if (wanted == null) return false;
      for (int each = 0; each < partitions; each++) if (last.getOrDefault(each, -1L) < wanted[each]) return false;
      return true;
    }

    @Override
    public void run() {
      consumer.subscribe(List.of(topic), this);
      long committedMs = System.currentTimeMillis();
      long deadlineMs = Long.MAX_VALUE;
      while (!isDone() && System.currentTimeMillis() < deadlineMs) {
        for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(100))) {
          last.put(record.partition(), record.offset());
          String value = new String(record.value(), StandardCharsets.UTF_8);
          history.write("ok", "read", ",\"partition\":" + record.partition() + ",\"offset\":" + record.offset() + ",\"value\":\"" + value + "\"");
        }
        if (System.currentTimeMillis() - committedMs > COMMIT_MS) {
          commit();
          committedMs = System.currentTimeMillis();
        }
        if (draining && deadlineMs == Long.MAX_VALUE) deadlineMs = System.currentTimeMillis() + DRAIN_MS;
      }
      commit();
      List<TopicPartition> all = new ArrayList<>();
      for (int each = 0; each < partitions; each++) all.add(new TopicPartition(topic, each));
      askOffsets(all);
      consumer.close(Duration.ofSeconds(5));
    }
  }
}
