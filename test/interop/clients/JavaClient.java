import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.*;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.*;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.serialization.*;

/**
 * What a Java program does with a cluster, step by step; one line of JSON each:
 * {"step": name, "problem": null or what went wrong}. Arguments: bootstrap servers, prefix of names.
 * Compiled and run from source, so it keeps to what the clients of 3.9 and 4.x have in common.
 */
public class JavaClient {
    interface Step { void run() throws Exception; }

    static final Duration POLL = Duration.ofMillis(200);
    static final long PATIENCE_MS = 60_000;
    static String bootstrap;
    static String prefix;
    static Admin admin;

    public static void main(String[] args) throws Exception {
        bootstrap = args[0];
        prefix = args[1];
        Properties properties = new Properties();
        properties.put("bootstrap.servers", bootstrap);
        properties.put("default.api.timeout.ms", "15000");
        properties.put("request.timeout.ms", "10000");
        admin = Admin.create(properties);
        step("creates and describes a topic", JavaClient::createsTopics);
        for (String codec : List.of("none", "gzip", "snappy", "lz4", "zstd")) {
            step("produces and consumes " + codec, () -> roundTrip(codec));
        }
        step("keeps keys, headers and null values", JavaClient::keepsRecords);
        step("shares a group with a second member and commits", JavaClient::sharesGroup);
        step("rejoins as a static member without a rebalance", JavaClient::staticMember);
        step("lists, describes and deletes groups", JavaClient::groups);
        step("finds offsets by time", JavaClient::offsetsByTime);
        step("describes and alters configs", JavaClient::configs);
        step("grows a topic, deletes records and topics", JavaClient::growsAndDeletes);
        step("describes the cluster, its logs and its features", JavaClient::describesCluster);
        step("moves replicas and elects leaders", JavaClient::movesReplicas);
        admin.close(Duration.ofSeconds(5));
        System.exit(0);
    }

    static void step(String name, Step step) {
        String problem = null;
        try {
            step.run();
        } catch (ExecutionException e) {
            problem = String.valueOf(e.getCause()) + " at " + where(e);
        } catch (Throwable e) {
            problem = String.valueOf(e) + " at " + where(e);
        }
        String quoted = problem == null ? "null" : '"' + problem.replace("\\", "\\\\").replace("\"", "\\\"").replace("\n", "\\n").replace("\t", " ") + '"';
        System.out.println("{\"step\": \"" + name + "\", \"problem\": " + quoted + "}");
        System.out.flush();
    }

    static String where(Throwable e) {
        for (StackTraceElement each : e.getStackTrace()) if (each.getClassName().startsWith("JavaClient") && !each.getMethodName().equals("check")) return "line " + each.getLineNumber();
        return "?";
    }

    static void check(boolean holds, Object what) {
        if (!holds) throw new IllegalStateException(String.valueOf(what));
    }

    static void equal(Object actual, Object expected) {
        check(expected.equals(actual), "expected " + expected + " but there is " + actual);
    }

    static Class<? extends Throwable> failure(KafkaFuture<?> future) throws Exception {
        try {
            future.get(PATIENCE_MS, TimeUnit.MILLISECONDS);
            return null;
        } catch (ExecutionException e) {
            return e.getCause().getClass();
        }
    }

    static void until(String what, java.util.concurrent.Callable<Boolean> holds) throws Exception {
        long deadline = System.currentTimeMillis() + PATIENCE_MS;
        while (!holdsNow(holds)) {
            check(System.currentTimeMillis() < deadline, "not in time: " + what);
            Thread.sleep(50);
        }
    }

    /** A topic that was just created is known to the other brokers a moment later. */
    static boolean holdsNow(java.util.concurrent.Callable<Boolean> holds) throws Exception {
        try {
            return holds.call();
        } catch (ExecutionException e) {
            if (e.getCause() instanceof UnknownTopicOrPartitionException) return false;
            throw e;
        }
    }

    static String topic(String name, int partitions) throws Exception {
        String topic = prefix + "-" + name;
        admin.createTopics(List.of(new NewTopic(topic, partitions, (short) 3))).all().get();
        return topic;
    }

    static Producer<String, String> producer(Map<String, Object> more) {
        Map<String, Object> config = new HashMap<>(Map.of("bootstrap.servers", bootstrap, "acks", "all", "delivery.timeout.ms", 15000, "request.timeout.ms", 10000));
        config.putAll(more);
        return new KafkaProducer<>(config, new StringSerializer(), new StringSerializer());
    }

    static Consumer<String, String> consumer(Map<String, Object> more) {
        Map<String, Object> config = new HashMap<>(Map.of("bootstrap.servers", bootstrap, "auto.offset.reset", "earliest", "enable.auto.commit", false, "heartbeat.interval.ms", 300, "fetch.max.wait.ms", 100));
        config.putAll(more);
        return new KafkaConsumer<>(config, new StringDeserializer(), new StringDeserializer());
    }

    static List<ConsumerRecord<String, String>> read(Consumer<String, String> consumer, int count) {
        List<ConsumerRecord<String, String>> records = new ArrayList<>();
        long deadline = System.currentTimeMillis() + PATIENCE_MS;
        while (records.size() < count && System.currentTimeMillis() < deadline) consumer.poll(POLL).forEach(records::add);
        equal(records.size(), count);
        return records;
    }

    static void createsTopics() throws Exception {
        NewTopic wanted = new NewTopic(prefix + "-created", Optional.of(3), Optional.of((short) 3)).configs(Map.of("retention.ms", "3600000"));
        CreateTopicsResult created = admin.createTopics(List.of(wanted));
        Uuid id = created.topicId(wanted.name()).get();
        equal(created.numPartitions(wanted.name()).get(), 3);
        equal(created.config(wanted.name()).get().get("retention.ms").value(), "3600000");
        equal(failure(admin.createTopics(List.of(wanted)).all()), TopicExistsException.class);
        equal(failure(admin.createTopics(List.of(new NewTopic("no/name", 1, (short) 1))).all()), InvalidTopicException.class);
        equal(failure(admin.createTopics(List.of(new NewTopic(prefix + "-wide", 1, (short) 9))).all()), InvalidReplicationFactorException.class);
        until("it is listed", () -> admin.listTopics().names().get().contains(wanted.name()));
        until("all replicas are in sync", () -> describe(wanted.name()).partitions().stream().allMatch(each -> each.isr().size() == 3));
        TopicDescription byName = admin.describeTopics(List.of(wanted.name())).allTopicNames().get().get(wanted.name());
        equal(byName.topicId(), id);
        equal(byName.partitions().size(), 3);
        TopicDescription byId = admin.describeTopics(TopicCollection.ofTopicIds(List.of(id))).allTopicIds().get().get(id);
        equal(byId.name(), wanted.name());
        equal(failure(admin.describeTopics(List.of("missing")).allTopicNames()), UnknownTopicOrPartitionException.class);
    }

    static TopicDescription describe(String topic) throws Exception {
        return admin.describeTopics(List.of(topic)).allTopicNames().get().get(topic);
    }

    static void roundTrip(String codec) throws Exception {
        String topic = topic("codec-" + codec, 1);
        try (Producer<String, String> producer = producer(Map.of("compression.type", codec, "linger.ms", 20))) {
            for (int each = 0; each < 500; each++) producer.send(new ProducerRecord<>(topic, "key-" + each, "value-" + each + "-" + "x".repeat(100)));
        }
        try (Consumer<String, String> consumer = consumer(Map.of())) {
            consumer.assign(List.of(new TopicPartition(topic, 0)));
            List<ConsumerRecord<String, String>> records = read(consumer, 500);
            for (int each = 0; each < 500; each++) {
                equal(records.get(each).offset(), (long) each);
                equal(records.get(each).value(), "value-" + each + "-" + "x".repeat(100));
            }
        }
    }

    static void keepsRecords() throws Exception {
        String topic = topic("records", 1);
        RecordMetadata[] sent = new RecordMetadata[3];
        try (Producer<String, String> producer = producer(Map.of("enable.idempotence", true))) {
            ProducerRecord<String, String> full = new ProducerRecord<>(topic, 0, 1_700_000_000_000L, "clé", "värde");
            full.headers().add("trace", "abc".getBytes(StandardCharsets.UTF_8)).add("empty", null).add("trace", new byte[0]);
            sent[0] = producer.send(full).get();
            sent[1] = producer.send(new ProducerRecord<>(topic, "tombstone", null)).get();
            sent[2] = producer.send(new ProducerRecord<>(topic, null, "keyless")).get();
        }
        equal(sent[2].offset(), 2L);
        try (Consumer<String, String> consumer = consumer(Map.of())) {
            consumer.assign(List.of(new TopicPartition(topic, 0)));
            List<ConsumerRecord<String, String>> records = read(consumer, 3);
            ConsumerRecord<String, String> full = records.get(0);
            equal(full.key() + full.value() + full.timestamp(), "clévärde1700000000000");
            Header[] headers = full.headers().toArray();
            equal(headers.length, 3);
            equal(new String(headers[0].value(), StandardCharsets.UTF_8), "abc");
            check(headers[1].value() == null && headers[2].value().length == 0, Arrays.toString(headers));
            check(records.get(1).value() == null && records.get(1).key().equals("tombstone"), records.get(1));
            check(records.get(2).key() == null, records.get(2));
            equal(full.leaderEpoch().isPresent(), true);
        }
    }

    static void sharesGroup() throws Exception {
        String topic = topic("shared", 4);
        fill(topic, 4, 10);
        String group = prefix + "-group";
        Map<String, Object> config = Map.of("group.id", group, "partition.assignment.strategy", "org.apache.kafka.clients.consumer.CooperativeStickyAssignor");
        Consumer<String, String> first = consumer(config);
        Consumer<String, String> second = consumer(config);
        try {
            first.subscribe(List.of(topic));
            read(first, 40);
            equal(first.assignment().size(), 4);
            first.commitSync();
            second.subscribe(List.of(topic));
            until("both have two partitions", () -> {
                first.poll(POLL);
                second.poll(POLL);
                return first.assignment().size() == 2 && second.assignment().size() == 2;
            });
            first.commitSync(Map.of(first.assignment().iterator().next(), new OffsetAndMetadata(7, Optional.of(0), "näme\u0000")));
            Map<TopicPartition, OffsetAndMetadata> committed = admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get();
            long total = committed.values().stream().mapToLong(OffsetAndMetadata::offset).sum();
            equal(total, 37L);
            check(committed.values().stream().anyMatch(each -> each.metadata().equals("näme\u0000")), committed);
            ConsumerGroupDescription description = admin.describeConsumerGroups(List.of(group)).all().get().get(group);
            equal(description.members().size(), 2);
            equal(description.partitionAssignor(), "cooperative-sticky");
            second.close();
            until("the first has all of them", () -> {
                first.poll(POLL);
                return first.assignment().size() == 4;
            });
        } finally {
            first.close();
            second.close();
        }
    }

    static void staticMember() throws Exception {
        String topic = topic("static", 2);
        String group = prefix + "-static";
        Map<String, Object> config = Map.of("group.id", group, "group.instance.id", "instance-1");
        String before;
        try (Consumer<String, String> member = consumer(config)) {
            member.subscribe(List.of(topic));
            until("assigned", () -> { member.poll(POLL); return member.assignment().size() == 2; });
            before = member.groupMetadata().generationId() + member.groupMetadata().groupInstanceId().get();
        }
        try (Consumer<String, String> member = consumer(config)) {
            member.subscribe(List.of(topic));
            until("assigned again", () -> { member.poll(POLL); return member.assignment().size() == 2; });
            equal(member.groupMetadata().generationId() + member.groupMetadata().groupInstanceId().get(), before);
        }
        equal(admin.describeConsumerGroups(List.of(group)).all().get().get(group).members().iterator().next().groupInstanceId().get(), "instance-1");
        admin.removeMembersFromConsumerGroup(group, new RemoveMembersFromConsumerGroupOptions(List.of(new MemberToRemove("instance-1")))).all().get();
        equal(admin.describeConsumerGroups(List.of(group)).all().get().get(group).members().size(), 0);
    }

    static void groups() throws Exception {
        String topic = topic("grouped", 1);
        fill(topic, 1, 5);
        String group = prefix + "-listed";
        TopicPartition partition = new TopicPartition(topic, 0);
        try (Consumer<String, String> consumer = consumer(Map.of("group.id", group))) {
            consumer.subscribe(List.of(topic));
            read(consumer, 5);
            consumer.commitSync();
            equal(failure(admin.deleteConsumerGroups(List.of(group)).all()), GroupNotEmptyException.class);
            equal(failure(admin.deleteConsumerGroupOffsets(group, Set.of(partition)).all()), GroupSubscribedToTopicException.class);
        }
        check(admin.listConsumerGroups().all().get().stream().anyMatch(each -> each.groupId().equals(group)), "not in the list");
        admin.alterConsumerGroupOffsets(group, Map.of(partition, new OffsetAndMetadata(2))).all().get();
        equal(admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get().get(partition).offset(), 2L);
        admin.deleteConsumerGroupOffsets(group, Set.of(partition)).all().get();
        check(admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get().isEmpty(), "offsets are left");
        // The last offset of an empty group takes the group with it.
        equal(failure(admin.deleteConsumerGroups(List.of(group)).all()), GroupIdNotFoundException.class);
        admin.alterConsumerGroupOffsets(group, Map.of(partition, new OffsetAndMetadata(2))).all().get();
        admin.deleteConsumerGroups(List.of(group)).all().get();
        check(admin.listConsumerGroups().all().get().stream().noneMatch(each -> each.groupId().equals(group)), "still in the list");
        equal(failure(admin.deleteConsumerGroups(List.of(group)).all()), GroupIdNotFoundException.class);
    }

    static void offsetsByTime() throws Exception {
        String topic = topic("times", 1);
        TopicPartition partition = new TopicPartition(topic, 0);
        try (Producer<String, String> producer = producer(Map.of())) {
            for (int each = 0; each < 10; each++) producer.send(new ProducerRecord<>(topic, 0, 1_700_000_000_000L + each * 1000, "k", "v" + each)).get();
        }
        try (Consumer<String, String> consumer = consumer(Map.of())) {
            OffsetAndTimestamp found = consumer.offsetsForTimes(Map.of(partition, 1_700_000_004_500L)).get(partition);
            equal(found.offset() + "@" + found.timestamp(), "5@1700000005000");
            check(consumer.offsetsForTimes(Map.of(partition, 1_800_000_000_000L)).get(partition) == null, "later than all");
            equal(consumer.beginningOffsets(List.of(partition)).get(partition), 0L);
            equal(consumer.endOffsets(List.of(partition)).get(partition), 10L);
        }
        ListOffsetsResult.ListOffsetsResultInfo latest = admin.listOffsets(Map.of(partition, OffsetSpec.maxTimestamp())).all().get().get(partition);
        equal(latest.offset() + "@" + latest.timestamp(), "9@1700000009000");
        equal(admin.listOffsets(Map.of(partition, OffsetSpec.latest()), new ListOffsetsOptions(IsolationLevel.READ_COMMITTED)).all().get().get(partition).offset(), 10L);
    }

    static void configs() throws Exception {
        String topic = topic("configured", 1);
        ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
        alter(resource, AlterConfigOp.OpType.SET, "retention.ms", "60000");
        alter(resource, AlterConfigOp.OpType.APPEND, "cleanup.policy", "compact");
        until("the change is seen", () -> config(resource, "cleanup.policy").value().equals("delete,compact"));
        equal(config(resource, "retention.ms").source(), ConfigEntry.ConfigSource.DYNAMIC_TOPIC_CONFIG);
        alter(resource, AlterConfigOp.OpType.SUBTRACT, "cleanup.policy", "delete");
        until("the change is seen", () -> config(resource, "cleanup.policy").value().equals("compact"));
        alter(resource, AlterConfigOp.OpType.DELETE, "retention.ms", "");
        until("the change is seen", () -> config(resource, "retention.ms").value().equals("604800000"));
        KafkaFuture<Void> refused = admin.incrementalAlterConfigs(Map.of(resource, List.of(new AlterConfigOp(new ConfigEntry("retention.ms", "soon"), AlterConfigOp.OpType.SET)))).all();
        equal(failure(refused), InvalidConfigurationException.class);
        DescribeConfigsOptions full = new DescribeConfigsOptions().includeSynonyms(true).includeDocumentation(true);
        Config described = admin.describeConfigs(List.of(resource), full).all().get().get(resource);
        check(described.entries().size() >= 25, described.entries().size());
        for (ConfigEntry each : described.entries()) {
            check(each.documentation() != null && !each.documentation().isEmpty(), "undocumented: " + each.name());
            check(each.type() != ConfigEntry.ConfigType.UNKNOWN, "untyped: " + each.name());
        }
        check(described.get("segment.bytes").synonyms().size() >= 1, "no synonyms");
        int node = admin.describeCluster().nodes().get().iterator().next().id();
        ConfigResource broker = new ConfigResource(ConfigResource.Type.BROKER, String.valueOf(node));
        check(admin.describeConfigs(List.of(broker), full).all().get().get(broker).entries().size() > 150, "broker configs");
        alter(broker, AlterConfigOp.OpType.SET, "log.retention.ms", "7200000");
        until("the change is seen", () -> config(broker, "log.retention.ms").source() == ConfigEntry.ConfigSource.DYNAMIC_BROKER_CONFIG);
        alter(broker, AlterConfigOp.OpType.DELETE, "log.retention.ms", "");
    }

    static void alter(ConfigResource resource, AlterConfigOp.OpType type, String name, String value) throws Exception {
        until("the topic is known", () -> {
            admin.incrementalAlterConfigs(Map.of(resource, List.of(new AlterConfigOp(new ConfigEntry(name, value), type)))).all().get();
            return true;
        });
    }

    static ConfigEntry config(ConfigResource resource, String name) throws Exception {
        return admin.describeConfigs(List.of(resource)).all().get().get(resource).get(name);
    }

    static void growsAndDeletes() throws Exception {
        String topic = topic("grown", 1);
        admin.createPartitions(Map.of(topic, NewPartitions.increaseTo(3))).all().get();
        until("three partitions are described", () -> admin.describeTopics(List.of(topic)).allTopicNames().get().get(topic).partitions().size() == 3);
        equal(failure(admin.createPartitions(Map.of(topic, NewPartitions.increaseTo(2))).all()), InvalidPartitionsException.class);
        fill(topic, 3, 10);
        TopicPartition partition = new TopicPartition(topic, 2);
        equal(admin.deleteRecords(Map.of(partition, RecordsToDelete.beforeOffset(4))).lowWatermarks().get(partition).get().lowWatermark(), 4L);
        equal(admin.listOffsets(Map.of(partition, OffsetSpec.earliest())).all().get().get(partition).offset(), 4L);
        admin.deleteTopics(List.of(topic)).all().get();
        until("the topic is gone", () -> !admin.listTopics().names().get().contains(topic));
        equal(failure(admin.deleteTopics(List.of(topic)).all()), UnknownTopicOrPartitionException.class);
    }

    static void describesCluster() throws Exception {
        DescribeClusterResult cluster = admin.describeCluster(new DescribeClusterOptions().includeAuthorizedOperations(true));
        equal(cluster.nodes().get().size(), 3);
        equal(cluster.clusterId().get().length(), 22);
        check(cluster.controller().get() != null, "no controller");
        List<Integer> ids = cluster.nodes().get().stream().map(Node::id).toList();
        Map<Integer, Map<String, LogDirDescription>> logs = admin.describeLogDirs(ids).allDescriptions().get();
        for (Map<String, LogDirDescription> each : logs.values()) {
            LogDirDescription directory = each.values().iterator().next();
            check(directory.error() == null && !directory.replicaInfos().isEmpty() && directory.totalBytes().getAsLong() > 0, directory);
        }
        admin.describeFeatures().featureMetadata().get();
        fill(topic("active", 1), 1, 1);
        TopicPartition partition = new TopicPartition(prefix + "-active", 0);
        check(!admin.describeProducers(List.of(partition)).all().get().get(partition).activeProducers().isEmpty(), "no producers");
    }

    static void movesReplicas() throws Exception {
        String topic = prefix + "-moved";
        admin.createTopics(List.of(new NewTopic(topic, Map.of(0, List.of(1, 2))))).all().get();
        fill(topic, 1, 50);
        TopicPartition partition = new TopicPartition(topic, 0);
        admin.alterPartitionReassignments(Map.of(partition, Optional.of(new NewPartitionReassignment(List.of(3, 2))))).all().get();
        until("the reassignment is over", () -> admin.listPartitionReassignments().reassignments().get().isEmpty());
        until("replicas are 3 and 2", () -> {
            TopicPartitionInfo info = admin.describeTopics(List.of(topic)).allTopicNames().get().get(topic).partitions().get(0);
            return info.replicas().stream().map(Node::id).toList().equals(List.of(3, 2)) && info.isr().size() == 2;
        });
        equal(failure(admin.alterPartitionReassignments(Map.of(partition, Optional.empty())).all()), NoReassignmentInProgressException.class);
        Map<TopicPartition, Optional<Throwable>> elected = admin.electLeaders(ElectionType.PREFERRED, Set.of(partition)).partitions().get();
        check(elected.get(partition).isEmpty() || elected.get(partition).get() instanceof ElectionNotNeededException, elected);
        until("the preferred replica leads", () -> admin.describeTopics(List.of(topic)).allTopicNames().get().get(topic).partitions().get(0).leader().id() == 3);
    }

    static void fill(String topic, int partitions, int recordsEach) throws Exception {
        try (Producer<String, String> producer = producer(Map.of())) {
            for (int partition = 0; partition < partitions; partition++) {
                for (int each = 0; each < recordsEach; each++) producer.send(new ProducerRecord<>(topic, partition, "key", "value-" + each));
            }
            producer.flush();
        }
    }
}
