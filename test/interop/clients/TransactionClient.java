import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.*;
import org.apache.kafka.common.serialization.*;

/**
 * What a Java program does with transactions, step by step; one line of JSON each, as JavaClient has it.
 * Arguments: bootstrap servers, prefix of names. Keeps to what the clients of 3.9 and 4.x have in common.
 */
public class TransactionClient {
    interface Step { void run() throws Exception; }

    static final long PATIENCE_MS = 60_000;
    static final int PARTITIONS = 3;
    static String bootstrap;
    static String prefix;
    static Admin admin;

    public static void main(String[] args) throws Exception {
        bootstrap = args[0];
        prefix = args[1];
        Properties properties = new Properties();
        properties.put("bootstrap.servers", bootstrap);
        admin = Admin.create(properties);
        step("commits and aborts", TransactionClient::commitsAndAborts);
        step("commits many transactions one after the other", TransactionClient::commitsMany);
        step("sends offsets with a transaction", TransactionClient::sendsOffsets);
        step("fences the producer before it", TransactionClient::fences);
        step("goes on after an abort of a transaction that timed out", TransactionClient::timesOut);
        step("is described and listed", TransactionClient::isDescribed);
        step("is fenced by an admin client", TransactionClient::isFencedByAdmin);
        step("leaves a transaction that an admin client aborts", TransactionClient::isAbortedByAdmin);
        admin.close(Duration.ofSeconds(5));
        System.exit(0);
    }

    static void step(String name, Step step) {
        String problem = null;
        try {
            step.run();
        } catch (Throwable e) {
            Throwable cause = e instanceof ExecutionException ? e.getCause() : e;
            problem = cause + " at " + where(e);
        }
        String quoted = problem == null ? "null" : '"' + problem.replace("\\", "\\\\").replace("\"", "\\\"").replace("\n", "\\n").replace("\t", " ") + '"';
        System.out.println("{\"step\": \"" + name + "\", \"problem\": " + quoted + "}");
        System.out.flush();
    }

    static String where(Throwable e) {
        for (StackTraceElement each : e.getStackTrace()) if (each.getClassName().startsWith("TransactionClient") && !each.getMethodName().equals("equal")) return "line " + each.getLineNumber();
        return "?";
    }

    static void equal(Object actual, Object expected) {
        if (!expected.equals(actual)) throw new IllegalStateException("expected " + expected + " but there is " + actual);
    }

    static void until(String what, Callable<Boolean> holds) throws Exception {
        long deadline = System.currentTimeMillis() + PATIENCE_MS;
        while (!holds.call()) {
            if (System.currentTimeMillis() > deadline) throw new IllegalStateException("not in time: " + what);
            Thread.sleep(50);
        }
    }

    static String topic(String name) throws Exception {
        String topic = prefix + "-" + name;
        admin.createTopics(List.of(new NewTopic(topic, PARTITIONS, (short) 3))).all().get();
        until("it is led", () -> {
            try {
                return admin.describeTopics(List.of(topic)).allTopicNames().get().get(topic).partitions().stream().allMatch(each -> each.leader() != null && each.isr().size() == 3);
            } catch (ExecutionException e) {
                return false;
            }
        });
        return topic;
    }

    static KafkaProducer<String, String> producer(String id, Map<String, Object> more) {
        Map<String, Object> config = new HashMap<>(Map.of("bootstrap.servers", bootstrap, "transactional.id", prefix + "-" + id, "max.block.ms", 20000, "request.timeout.ms", 10000));
        config.putAll(more);
        KafkaProducer<String, String> producer = new KafkaProducer<>(config, new StringSerializer(), new StringSerializer());
        producer.initTransactions();
        return producer;
    }

    static void send(Producer<String, String> producer, String topic, String value) throws Exception {
        List<java.util.concurrent.Future<RecordMetadata>> sent = new ArrayList<>();
        for (int partition = 0; partition < PARTITIONS; partition++) sent.add(producer.send(new ProducerRecord<>(topic, partition, null, value + partition)));
        for (var each : sent) each.get();
    }

    static List<String> read(String topic, String isolation, int count) {
        Map<String, Object> config = Map.of("bootstrap.servers", bootstrap, "isolation.level", isolation, "auto.offset.reset", "earliest", "fetch.max.wait.ms", 100);
        try (KafkaConsumer<String, String> consumer = new KafkaConsumer<>(config, new StringDeserializer(), new StringDeserializer())) {
            List<TopicPartition> partitions = new ArrayList<>();
            for (int partition = 0; partition < PARTITIONS; partition++) partitions.add(new TopicPartition(topic, partition));
            consumer.assign(partitions);
            consumer.seekToBeginning(partitions);
            List<String> values = new ArrayList<>();
            long deadline = System.currentTimeMillis() + PATIENCE_MS;
            while (values.size() < count && System.currentTimeMillis() < deadline) consumer.poll(Duration.ofMillis(100)).forEach(each -> values.add(each.value()));
            consumer.poll(Duration.ofMillis(300)).forEach(each -> values.add(each.value()));
            values.sort(null);
            return values;
        }
    }

    static List<String> spread(String... values) {
        List<String> all = new ArrayList<>();
        for (String value : values) for (int partition = 0; partition < PARTITIONS; partition++) all.add(value + partition);
        all.sort(null);
        return all;
    }

    static void commitsAndAborts() throws Exception {
        String topic = topic("commits");
        try (KafkaProducer<String, String> producer = producer("commits", Map.of())) {
            for (String value : List.of("a", "b", "c")) {
                producer.beginTransaction();
                send(producer, topic, value);
                if (value.equals("b")) producer.abortTransaction();
                else producer.commitTransaction();
            }
        }
        equal(read(topic, "read_committed", 6), spread("a", "c"));
        equal(read(topic, "read_uncommitted", 9), spread("a", "b", "c"));
    }

    static void commitsMany() throws Exception {
        String topic = topic("many");
        List<String> values = new ArrayList<>();
        try (KafkaProducer<String, String> producer = producer("many", Map.of())) {
            for (int each = 100; each < 200; each++) {
                producer.beginTransaction();
                send(producer, topic, each + "-");
                producer.commitTransaction();
                values.add(each + "-");
            }
        }
        equal(read(topic, "read_committed", 300), spread(values.toArray(new String[0])));
    }

    static void sendsOffsets() throws Exception {
        String topic = topic("offsets");
        String group = prefix + "-offsets";
        TopicPartition first = new TopicPartition(topic, 0);
        Callable<Long> committed = () -> {
            OffsetAndMetadata found = admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get().get(first);
            return found == null ? -1 : found.offset();
        };
        try (KafkaProducer<String, String> producer = producer("offsets", Map.of())) {
            producer.beginTransaction();
            send(producer, topic, "a");
            producer.sendOffsetsToTransaction(Map.of(first, new OffsetAndMetadata(5)), new ConsumerGroupMetadata(group));
            equal(committed.call(), -1L);
            producer.commitTransaction();
            until("the offset is there", () -> committed.call() == 5);
            producer.beginTransaction();
            producer.sendOffsetsToTransaction(Map.of(first, new OffsetAndMetadata(9)), new ConsumerGroupMetadata(group));
            producer.abortTransaction();
            producer.beginTransaction();
            send(producer, topic, "b");
            producer.commitTransaction();
            equal(committed.call(), 5L);
        }
    }

    static void fences() throws Exception {
        String topic = topic("fences");
        KafkaProducer<String, String> older = producer("fences", Map.of());
        older.beginTransaction();
        send(older, topic, "old");
        try (KafkaProducer<String, String> newer = producer("fences", Map.of())) {
            newer.beginTransaction();
            send(newer, topic, "new");
            try {
                older.commitTransaction();
                throw new IllegalStateException("the older producer was not fenced");
            } catch (ProducerFencedException | InvalidProducerEpochException expected) {
                older.close(Duration.ZERO);
            }
            newer.commitTransaction();
        }
        equal(read(topic, "read_committed", 3), spread("new"));
    }

    static void timesOut() throws Exception {
        String topic = topic("late");
        KafkaProducer<String, String> late = producer("late", Map.of("transaction.timeout.ms", 1000));
        late.beginTransaction();
        send(late, topic, "late");
        until("it is aborted", () -> describe("late").state() == TransactionState.COMPLETE_ABORT);
        try {
            late.commitTransaction();
            throw new IllegalStateException("a transaction that was aborted was committed");
        } catch (org.apache.kafka.common.KafkaException expected) {
            late.close(Duration.ZERO);
        }
        try (KafkaProducer<String, String> next = producer("late", Map.of())) {
            next.beginTransaction();
            send(next, topic, "next");
            next.commitTransaction();
        }
        equal(read(topic, "read_committed", 3), spread("next"));
    }

    static TransactionDescription describe(String id) throws Exception {
        return admin.describeTransactions(List.of(prefix + "-" + id)).description(prefix + "-" + id).get();
    }

    static void isDescribed() throws Exception {
        String topic = topic("described");
        try (KafkaProducer<String, String> producer = producer("described", Map.of("transaction.timeout.ms", 55000))) {
            equal(describe("described").state(), TransactionState.EMPTY);
            producer.beginTransaction();
            send(producer, topic, "a");
            TransactionDescription open = describe("described");
            equal(open.state(), TransactionState.ONGOING);
            equal(open.transactionTimeoutMs(), 55000L);
            equal(open.topicPartitions(), Set.of(new TopicPartition(topic, 0), new TopicPartition(topic, 1), new TopicPartition(topic, 2)));
            ListTransactionsOptions ongoing = new ListTransactionsOptions().filterStates(List.of(TransactionState.ONGOING)).filterProducerIds(List.of(open.producerId()));
            equal(admin.listTransactions(ongoing).all().get().size(), 1);
            List<ProducerState> active = admin.describeProducers(List.of(new TopicPartition(topic, 0))).partitionResult(new TopicPartition(topic, 0)).get().activeProducers();
            equal(active.get(0).producerId(), open.producerId());
            equal(active.get(0).currentTransactionStartOffset().getAsLong(), 0L);
            producer.commitTransaction();
            until("it is complete", () -> describe("described").state() == TransactionState.COMPLETE_COMMIT);
            equal(describe("described").topicPartitions(), Set.of());
        }
    }

    static void isFencedByAdmin() throws Exception {
        String topic = topic("admin-fences");
        KafkaProducer<String, String> producer = producer("admin-fences", Map.of());
        producer.beginTransaction();
        send(producer, topic, "a");
        admin.fenceProducers(List.of(prefix + "-admin-fences")).all().get();
        try {
            producer.commitTransaction();
            throw new IllegalStateException("the producer was not fenced");
        } catch (ProducerFencedException | InvalidProducerEpochException expected) {
            producer.close(Duration.ZERO);
        }
    }

    static void isAbortedByAdmin() throws Exception {
        String topic = topic("admin-aborts");
        TopicPartition first = new TopicPartition(topic, 0);
        KafkaProducer<String, String> producer = producer("admin-aborts", Map.of());
        producer.beginTransaction();
        send(producer, topic, "a");
        ProducerState open = admin.describeProducers(List.of(first)).partitionResult(first).get().activeProducers().get(0);
        admin.abortTransaction(new AbortTransactionSpec(first, open.producerId(), (short) open.producerEpoch(), open.coordinatorEpoch().orElse(-1))).all().get();
        until("nothing is open there", () -> admin.describeProducers(List.of(first)).partitionResult(first).get().activeProducers().stream().allMatch(each -> each.currentTransactionStartOffset().isEmpty()));
        producer.close(Duration.ZERO);
    }
}
