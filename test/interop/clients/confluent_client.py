"""confluent-kafka (librdkafka): what a Python program does with a cluster. Arguments: bootstrap, prefix."""
import sys
import time

from confluent_kafka import TIMESTAMP_CREATE_TIME, Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, ConfigResource, NewPartitions, NewTopic

from steps import equal, failure, run, until

BOOTSTRAP, PREFIX = sys.argv[1:]
TIMEOUT_S = 15
admin = AdminClient({'bootstrap.servers': BOOTSTRAP})


def settle(futures):
    return {key: future.result(TIMEOUT_S) for key, future in futures.items()}


def code(error):
    return error.args[0].code()


def topic(name, partitions=1, **config):
    full = f'{PREFIX}-{name}'
    settle(admin.create_topics([NewTopic(full, partitions, 3, config=config)]))
    return full


def producer(**more):
    return Producer({'bootstrap.servers': BOOTSTRAP, 'message.timeout.ms': TIMEOUT_S * 1000, **more})


def consumer(**more):
    config = {'bootstrap.servers': BOOTSTRAP, 'group.id': f'{PREFIX}-unused', 'auto.offset.reset': 'earliest'}
    return Consumer({**config, 'enable.auto.commit': False, 'heartbeat.interval.ms': 300, **more})


def read(one, count):
    records = []
    deadline = time.monotonic() + TIMEOUT_S
    while len(records) < count and time.monotonic() < deadline:
        message = one.poll(0.2)
        if message is not None:
            if message.error():
                raise KafkaException(message.error())
            records.append(message)
    equal(len(records), count)
    return records


def creates_topics():
    name = topic('created', 3, **{'retention.ms': '3600000'})
    again = admin.create_topics([NewTopic(name, 3, 3)])[name]
    equal(code(failure(lambda: again.result(TIMEOUT_S))), KafkaError.TOPIC_ALREADY_EXISTS)
    def in_sync():
        described = admin.list_topics(name, timeout=TIMEOUT_S).topics[name]
        return [(each, len(described.partitions[each].isrs)) for each in sorted(described.partitions)]
    until('all replicas are in sync', lambda: in_sync() == [(0, 3), (1, 3), (2, 3)])
    equal(sorted(admin.list_topics(timeout=TIMEOUT_S).brokers), [1, 2, 3])


def round_trip(codec):
    name = topic(f'codec-{codec}')
    failed = []
    sender = producer(**{'compression.type': codec, 'linger.ms': 20})
    values = [f'value-{each}-{"x" * 100}'.encode() for each in range(500)]
    for each, value in enumerate(values):
        sender.produce(name, value, f'key-{each}', on_delivery=lambda error, _: error and failed.append(error))
    sender.flush(TIMEOUT_S)
    equal(failed, [])
    receiver = consumer()
    receiver.assign([TopicPartition(name, 0, 0)])
    records = read(receiver, 500)
    equal([each.offset() for each in records], list(range(500)))
    equal([each.value() for each in records], values)
    receiver.close()


def keeps_records():
    name = topic('records')
    sender = producer(**{'enable.idempotence': True})
    headers = [('trace', b'abc'), ('empty', None), ('trace', b'')]
    sender.produce(name, 'värde', 'clé', partition=0, timestamp=1_700_000_000_000, headers=headers)
    sender.produce(name, None, 'tombstone', partition=0)
    sender.produce(name, 'keyless', partition=0)
    equal(sender.flush(TIMEOUT_S), 0)
    receiver = consumer()
    receiver.assign([TopicPartition(name, 0, 0)])
    full, tombstone, keyless = read(receiver, 3)
    equal((full.key().decode(), full.value().decode()), ('clé', 'värde'))
    equal(full.timestamp(), (TIMESTAMP_CREATE_TIME, 1_700_000_000_000))
    equal(full.headers(), headers)
    equal((tombstone.key(), tombstone.value()), (b'tombstone', None))
    equal(keyless.key(), None)
    receiver.close()


def shares_group():
    name = topic('shared', 4)
    sender = producer()
    for each in range(40):
        sender.produce(name, f'value-{each}', 'key', partition=each % 4)
    equal(sender.flush(TIMEOUT_S), 0)
    group = f'{PREFIX}-group'
    first, second = (consumer(**{'group.id': group, 'partition.assignment.strategy': 'cooperative-sticky'}) for _ in range(2))
    first.subscribe([name])
    read(first, 40)
    first.commit(asynchronous=False)
    second.subscribe([name])
    def shared():
        first.poll(0.1)
        second.poll(0.1)
        return (len(first.assignment()), len(second.assignment())) == (2, 2)
    until('both have two partitions', shared)
    committed = second.committed([TopicPartition(name, each) for each in range(4)], TIMEOUT_S)
    equal([each.offset for each in committed], [10] * 4)
    described = admin.list_groups(group, TIMEOUT_S)
    equal([(each.id, len(each.members), each.protocol) for each in described], [(group, 2, 'cooperative-sticky')])
    second.close()
    until('the first has all of them', lambda: first.poll(0.1) is None and len(first.assignment()) == 4)
    first.close()
    until('the group is empty', lambda: admin.list_groups(group, TIMEOUT_S)[0].state == 'Empty')


def subscribes_to_pattern():
    names = [topic(f'pattern-{each}', 2) for each in ('a', 'b')]
    topic('other-pattern')
    receiver = consumer(**{'group.id': f'{PREFIX}-pattern'})
    receiver.subscribe([f'^{PREFIX}-pattern-.*'])
    assigned = lambda: receiver.poll(0.1) is None and {each.topic for each in receiver.assignment()} == set(names)
    until('assigned the topics of that pattern', assigned)
    equal(len(receiver.assignment()), 4)
    receiver.close()


def static_member():
    name = topic('static', 2)
    config = {'group.id': f'{PREFIX}-static', 'group.instance.id': 'instance-1'}
    for _ in range(2):
        member = consumer(**config)
        member.subscribe([name])
        until('assigned', lambda: member.poll(0.1) is None and len(member.assignment()) == 2)
        member.close()
    equal(len(admin.list_groups(f'{PREFIX}-static', TIMEOUT_S)[0].members), 1)


def offsets_by_time():
    name = topic('times')
    sender = producer(**{'batch.num.messages': 3})
    for each in range(10):
        sender.produce(name, f'v{each}', partition=0, timestamp=1_700_000_000_000 + each * 1000)
    equal(sender.flush(TIMEOUT_S), 0)
    asker = consumer()
    for time_ms, offset in ((1_700_000_004_500, 5), (0, 0), (1_800_000_000_000, -1)):
        equal(asker.offsets_for_times([TopicPartition(name, 0, time_ms)], TIMEOUT_S)[0].offset, offset)
    equal(asker.get_watermark_offsets(TopicPartition(name, 0), TIMEOUT_S), (0, 10))
    asker.close()


def configs():
    name = topic('configured')
    resource = ConfigResource(ConfigResource.Type.TOPIC, name)
    def retention():
        described = settle(admin.describe_configs([resource]))[resource]
        return len(described) > 25 and described['retention.ms'].value
    until('the topic is known', lambda: retention() == '604800000')
    changed = ConfigResource(ConfigResource.Type.TOPIC, name, set_config={'retention.ms': '60000'})
    until('the change is seen', lambda: settle(admin.alter_configs([changed])) and retention() == '60000')
    broker = ConfigResource(ConfigResource.Type.BROKER, '2')
    equal(settle(admin.describe_configs([broker]))[broker]['broker.id'].value, '2')


def grows_and_deletes():
    name = topic('grown')
    settle(admin.create_partitions([NewPartitions(name, 3)]))
    until('three partitions', lambda: len(admin.list_topics(name, TIMEOUT_S).topics[name].partitions) == 3)
    refused = admin.create_partitions([NewPartitions(name, 2)])[name]
    equal(code(failure(lambda: refused.result(TIMEOUT_S))), KafkaError.INVALID_PARTITIONS)
    settle(admin.delete_topics([name]))
    until('it is gone', lambda: name not in admin.list_topics(timeout=TIMEOUT_S).topics)


run([
    ('creates and describes a topic', creates_topics),
    *((f'produces and consumes {codec}', lambda codec=codec: round_trip(codec)) for codec in ('none', 'gzip', 'snappy', 'lz4', 'zstd')),
    ('keeps keys, headers and null values', keeps_records),
    ('shares a group with a second member and commits', shares_group),
    ('subscribes to a pattern of topics', subscribes_to_pattern),
    ('rejoins as a static member', static_member),
    ('finds offsets by time', offsets_by_time),
    ('describes and alters configs', configs),
    ('grows a topic, deletes topics', grows_and_deletes),
])
