"""confluent-kafka (librdkafka): what a Python program does with transactions. Arguments: bootstrap, prefix."""
import sys
import time

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from steps import equal, failure, run, until

BOOTSTRAP, PREFIX = sys.argv[1:]
TIMEOUT_S = 20
PARTITIONS = 3
admin = AdminClient({'bootstrap.servers': BOOTSTRAP})


def topic(name):
    full = f'{PREFIX}-{name}'
    for future in admin.create_topics([NewTopic(full, PARTITIONS, 3)]).values():
        future.result(TIMEOUT_S)
    until('it is led', lambda: all(len(each.isrs) == 3 for each in admin.list_topics(full, timeout=TIMEOUT_S).topics[full].partitions.values()))
    return full


def producer(name, **more):
    one = Producer({'bootstrap.servers': BOOTSTRAP, 'transactional.id': f'{PREFIX}-{name}', **more})
    one.init_transactions(TIMEOUT_S)
    return one


def send(one, name, value):
    for partition in range(PARTITIONS):
        one.produce(name, f'{value}{partition}', partition=partition)
    equal(one.flush(TIMEOUT_S), 0)


def read(name, isolation, count):
    one = Consumer({'bootstrap.servers': BOOTSTRAP, 'group.id': f'{PREFIX}-unused', 'isolation.level': isolation,
                    'enable.auto.commit': False, 'fetch.wait.max.ms': 50})
    one.assign([TopicPartition(name, partition, 0) for partition in range(PARTITIONS)])
    values = []
    deadline = time.monotonic() + TIMEOUT_S
    while len(values) < count and time.monotonic() < deadline:
        message = one.poll(0.2)
        if message is not None:
            if message.error():
                raise KafkaException(message.error())
            values.append(message.value().decode())
    last = one.poll(0.5)
    one.close()
    equal(last, None)
    return sorted(values)


def spread(*values):
    return sorted(f'{value}{partition}' for value in values for partition in range(PARTITIONS))


def commits_and_aborts():
    name = topic('commits')
    one = producer('commits')
    for value in 'abc':
        one.begin_transaction()
        send(one, name, value)
        if value == 'b':
            one.abort_transaction(TIMEOUT_S)
        else:
            one.commit_transaction(TIMEOUT_S)
    equal(read(name, 'read_committed', 6), spread('a', 'c'))
    equal(read(name, 'read_uncommitted', 9), spread('a', 'b', 'c'))


def sends_offsets():
    name = topic('offsets')
    group = f'{PREFIX}-offsets'
    reader = Consumer({'bootstrap.servers': BOOTSTRAP, 'group.id': group})
    one = producer('offsets')

    def committed():
        return reader.committed([TopicPartition(name, 0)], TIMEOUT_S)[0].offset

    for offset, commits in ((5, True), (9, False)):
        one.begin_transaction()
        send(one, name, offset)
        metadata = reader.consumer_group_metadata()
        one.send_offsets_to_transaction([TopicPartition(name, 0, offset)], metadata, TIMEOUT_S)
        if commits:
            one.commit_transaction(TIMEOUT_S)
        else:
            one.abort_transaction(TIMEOUT_S)
        until('the offset of the commit stands', lambda: committed() == 5)
    reader.close()
    equal(read(name, 'read_committed', 3), spread(5))


def fences():
    name = topic('fences')
    older = producer('fences')
    older.begin_transaction()
    send(older, name, 'old')
    newer = producer('fences')
    newer.begin_transaction()
    send(newer, name, 'new')
    error = failure(lambda: older.commit_transaction(TIMEOUT_S))
    equal(error.args[0].code() in (KafkaError._FENCED, KafkaError.PRODUCER_FENCED, KafkaError.INVALID_PRODUCER_EPOCH), True)
    newer.commit_transaction(TIMEOUT_S)
    equal(read(name, 'read_committed', 3), spread('new'))


run([
    ('commits and aborts', commits_and_aborts),
    ('sends offsets with a transaction', sends_offsets),
    ('fences the producer before it', fences),
])
