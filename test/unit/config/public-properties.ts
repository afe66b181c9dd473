/** The keys and values that brokers are commonly started with, by whose they are. */
/** config/server.properties of Apache Kafka 3.9. */
const APACHE = `
broker.id=0
num.network.threads=3
num.io.threads=8
socket.send.buffer.bytes=102400
socket.receive.buffer.bytes=102400
socket.request.max.bytes=104857600
log.dirs=/tmp/kafka-logs
num.partitions=1
num.recovery.threads.per.data.dir=1
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
#log.flush.interval.messages=10000
log.retention.hours=168
#log.retention.bytes=1073741824
log.retention.check.interval.ms=300000
zookeeper.connect=localhost:2181
zookeeper.connection.timeout.ms=18000
group.initial.rebalance.delay.ms=0
`;

/** etc/kafka/server.properties of Confluent's distribution, with what its comments offer switched on. */
const CONFLUENT = `${APACHE}
listeners=PLAINTEXT://:9092
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT,SASL_SSL:SASL_SSL
metric.reporters=io.confluent.metrics.reporter.ConfluentMetricsReporter
confluent.metrics.reporter.bootstrap.servers=localhost:9092
confluent.metrics.reporter.topic.replicas=1
confluent.license.topic.replication.factor=1
confluent.metadata.topic.replication.factor=1
confluent.security.event.logger.exporter.kafka.topic.replicas=1
confluent.balancer.enable=true
confluent.balancer.topic.replication.factor=1
confluent.support.metrics.enable=true
confluent.support.customer.id=anonymous
`;

/** What Bitnami's image writes for a broker with ZooKeeper and listeners of two names. */
const BITNAMI = `
broker.id=-1
listeners=CLIENT://:9092,EXTERNAL://:9093
advertised.listeners=CLIENT://kafka:9092,EXTERNAL://localhost:9093
listener.security.protocol.map=CLIENT:PLAINTEXT,EXTERNAL:PLAINTEXT
inter.broker.listener.name=CLIENT
zookeeper.connect=zookeeper:2181
zookeeper.connection.timeout.ms=6000
log.dirs=/bitnami/kafka/data
log.retention.bytes=1073741824
log.segment.bytes=1073741824
max.partition.fetch.bytes=1048576
max.request.size=1048576
sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512
sasl.mechanism.inter.broker.protocol=
auto.create.topics.enable=true
allow.everyone.if.no.acl.found=true
`;

export const PUBLIC_PROPERTIES = { Apache: APACHE, Confluent: CONFLUENT, Bitnami: BITNAMI };
