"""kafka-python: what a Python program does with a cluster. Arguments: bootstrap, prefix."""
import logging
import sys
import threading

from kafka import KafkaConsumer, KafkaProducer, OffsetAndMetadata, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient, NewPartitions, NewTopic
from kafka.errors import InvalidPartitionsError, NonEmptyGroupError, TopicAlreadyExistsError

from steps import equal, failure, run, until

logging.disable(logging.CRITICAL)
BOOTSTRAP, PREFIX = sys.argv[1].split(','), sys.argv[2]
admin = KafkaAdminClient(bootstrap_servers=BOOTSTRAP)


def topic(name, partitions=1):
    full = f'{PREFIX}-{name}'
    admin.create_topics([NewTopic(full, partitions, 3)])
    return full


def consumer(**more):
    return KafkaConsumer(bootstrap_servers=BOOTSTRAP, auto_offset_reset='earliest', enable_auto_commit=False,
                         heartbeat_interval_ms=300, consumer_timeout_ms=15000, **more)


def read(one, count):
    records = []
    def some():
        for each in one.poll(200).values():
            records.extend(each)
        return len(records) >= count
    until(f'{count} records are read', some)
    return records


def fill(name, partitions, count):
    producer = KafkaProducer(bootstrap_servers=BOOTSTRAP, acks='all')
    sent = [producer.send(name, f'value-{each}'.encode(), partition=each % partitions) for each in range(count)]
    for each in sent:
        each.get(15)
    producer.close()


def creates_topics():
    name = topic('created', 3)
    equal(type(failure(lambda: admin.create_topics([NewTopic(name, 3, 3)]))), TopicAlreadyExistsError)
    until('it is listed', lambda: name in admin.list_topics())
    def in_sync():
        return [len(each['isr']) for each in admin.describe_topics([name])[0]['partitions']]
    until('all replicas are in sync', lambda: in_sync() == [3, 3, 3])
    equal(len(admin.describe_cluster()['brokers']), 3)


def round_trip(codec):
    name = topic(f'codec-{codec or "none"}')
    producer = KafkaProducer(bootstrap_servers=BOOTSTRAP, acks='all', compression_type=codec, linger_ms=20)
    values = [f'value-{each}-{"x" * 100}'.encode() for each in range(500)]
    for each in [producer.send(name, value, b'key') for value in values]:
        each.get(15)
    producer.close()
    receiver = consumer()
    receiver.assign([TopicPartition(name, 0)])
    records = read(receiver, 500)
    equal([each.offset for each in records], list(range(500)))
    equal([each.value for each in records], values)
    receiver.close()


def keeps_records():
    name = topic('records')
    producer = KafkaProducer(bootstrap_servers=BOOTSTRAP, acks='all')
    headers = [('trace', b'abc'), ('trace', b'')]
    producer.send(name, 'värde'.encode(), 'clé'.encode(), headers, timestamp_ms=1_700_000_000_000).get(15)
    producer.send(name, None, b'tombstone').get(15)
    equal(producer.send(name, b'keyless').get(15).offset, 2)
    producer.close()
    receiver = consumer()
    receiver.assign([TopicPartition(name, 0)])
    full, tombstone, keyless = read(receiver, 3)
    equal((full.key.decode(), full.value.decode(), full.timestamp), ('clé', 'värde', 1_700_000_000_000))
    equal(list(full.headers), headers)
    equal((tombstone.key, tombstone.value, keyless.key), (b'tombstone', None, None))
    receiver.close()


def shares_group():
    name, group = topic('shared', 4), f'{PREFIX}-group'
    fill(name, 4, 40)
    first, second = consumer(group_id=group), consumer(group_id=group)
    first.subscribe([name])
    read(first, 40)
    first.commit()
    first.commit({TopicPartition(name, 1): OffsetAndMetadata(7, 'näme')})
    second.subscribe([name])
    stopped = threading.Event()
    def keep_polling():
        while not stopped.is_set():
            first.poll(50)
    background = threading.Thread(target=keep_polling)
    background.start()
    until('the second has two partitions', lambda: second.poll(100) is not None and len(second.assignment()) == 2)
    stopped.set()
    background.join()
    equal(len(first.assignment()), 2)
    offsets = admin.list_consumer_group_offsets(group)
    equal(sorted(each.offset for each in offsets.values()), [7, 10, 10, 10])
    equal(offsets[TopicPartition(name, 1)].metadata, 'näme')
    described = admin.describe_consumer_groups([group])[0]
    equal((described.state, len(described.members), described.protocol), ('Stable', 2, 'range'))
    equal((group, 'consumer') in admin.list_consumer_groups(), True)
    equal(admin.delete_consumer_groups([group])[0][1], NonEmptyGroupError)
    second.close()
    first.close()
    equal(admin.delete_consumer_groups([group])[0][1].errno, 0)
    equal((group, 'consumer') in admin.list_consumer_groups(), False)


def offsets_by_time():
    name = topic('times')
    producer = KafkaProducer(bootstrap_servers=BOOTSTRAP, acks='all')
    for each in range(10):
        producer.send(name, b'v', timestamp_ms=1_700_000_000_000 + each * 1000).get(15)
    producer.close()
    asker, partition = consumer(), TopicPartition(name, 0)
    found = asker.offsets_for_times({partition: 1_700_000_004_500})[partition]
    equal((found.offset, found.timestamp), (5, 1_700_000_005_000))
    equal(asker.offsets_for_times({partition: 1_800_000_000_000})[partition], None)
    equal((asker.beginning_offsets([partition])[partition], asker.end_offsets([partition])[partition]), (0, 10))
    asker.close()


def configs():
    name = topic('configured')
    def retention():
        answer = admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name)])[0]
        return {each[0]: each[1] for each in answer.resources[0][4]}['retention.ms']
    until('the topic is known', lambda: retention() == '604800000')
    changed = ConfigResource(ConfigResourceType.TOPIC, name, {'retention.ms': '60000'})
    until('the change is seen', lambda: admin.alter_configs([changed]) and retention() == '60000')


def grows_and_deletes():
    name = topic('grown')
    admin.create_partitions({name: NewPartitions(3)})
    until('three partitions', lambda: len(admin.describe_topics([name])[0]['partitions']) == 3)
    equal(type(failure(lambda: admin.create_partitions({name: NewPartitions(2)}))), InvalidPartitionsError)
    admin.delete_topics([name])
    until('it is gone', lambda: name not in admin.list_topics())


def old_version(version):
    """Talks as to a broker of that version: message formats v0 (0.9), v1 (0.10) and v2 (0.11)."""
    name = topic('as-' + '-'.join(map(str, version)))
    producer = KafkaProducer(bootstrap_servers=BOOTSTRAP, api_version=version, acks='all', compression_type='gzip', linger_ms=20)
    for each in [producer.send(name, f'value-{each}'.encode(), b'key') for each in range(50)]:
        each.get(15)
    producer.close()
    for reader in (version, (1, 0, 0)):
        receiver = consumer(api_version=reader)
        receiver.assign([TopicPartition(name, 0)])
        records = read(receiver, 50)
        equal([(each.offset, each.value) for each in records], [(each, f'value-{each}'.encode()) for each in range(50)])
        receiver.close()


run([
    ('creates and describes a topic', creates_topics),
    *((f'produces and consumes {codec or "none"}', lambda codec=codec: round_trip(codec)) for codec in (None, 'gzip')),
    ('keeps keys, headers and null values', keeps_records),
    ('shares a group with a second member, commits, describes and deletes it', shares_group),
    ('finds offsets by time', offsets_by_time),
    ('describes and alters configs', configs),
    ('grows a topic, deletes topics', grows_and_deletes),
    *((f'talks as to a broker {".".join(map(str, version))}', lambda version=version: old_version(version))
      for version in ((0, 8, 2), (0, 9), (0, 10, 0), (0, 11))),
])
