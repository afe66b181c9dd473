"""
librdkafka's producers and readers, by its Python package: for each topic a writer and a reader, which write down
all they do as README.md tells.

Arguments: bootstrap servers, partitions, seed, directory of the histories, and for each topic MODE:TOPIC.
"""

import json
import os
import random
import sys
import threading
import time

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition, libversion

BOOTSTRAP, PARTITIONS, SEED, DIRECTORY = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
PAUSE_SECONDS = 0.04
MAX_WAITING = 200
COMMIT_SECONDS = 0.4
ANSWER_SECONDS = 15
DRAIN_SECONDS = 40

stopping = threading.Event()
draining = threading.Event()
targets = {}


def is_desynchronized(error):
    """
    librdkafka before 2.3.0 expects the number after one whose request was lost with its connection, though that was
    not written, and gives up when the next one is out of order (confluentinc/librdkafka#4438). It is not the brokers'.
    """
    return error.args[0].code() == KafkaError._FATAL and libversion()[1] < 0x02030000


class History:
    """One line for each entry; the threads of librdkafka write as well."""

    def __init__(self, name):
        self.file = open(os.path.join(DIRECTORY, name), "w", buffering=1)
        self.lock = threading.Lock()

    def write(self, kind, deed, **fields):
        entry = {"at": round(time.time() * 1000, 3), "type": kind, "do": deed, **fields}
        with self.lock:
            self.file.write(json.dumps(entry, separators=(",", ":")) + "\n")


class Transaction:
    def __init__(self, number):
        self.number = number
        self.waiting = 0
        self.is_intact = True


class Writer(threading.Thread):
    def __init__(self, mode, topic):
        super().__init__(daemon=True)
        self.mode, self.topic = mode, topic
        self.history = History(topic + ".writer.jsonl")
        self.random = random.Random(f"{SEED} {topic}")
        self.next_id = 0
        self.waiting = 0
        self.again = []
        self.producer = None
        # It joins nothing: its metadata name the group that offsets in transactions are for.
        self.group = None
        if mode == "transactional":
            self.group = Consumer({"bootstrap.servers": BOOTSTRAP, "group.id": topic + "-transactions", "log_level": 2})

    def run(self):
        if self.mode == "transactional":
            self.write_transactions()
        else:
            self.write_records()

    def make_producer(self):
        own = {
            # Each attempt is the program's own, so that its outcome is known.
            "plain": {"retries": 0, "message.timeout.ms": 4000},
            "idempotent": {"enable.idempotence": True, "message.timeout.ms": 90000},
            "transactional": {
                "transactional.id": self.topic,
                "transaction.timeout.ms": 10000,
                "message.timeout.ms": 9000,
            },
        }[self.mode]
        return Producer(
            {
                "bootstrap.servers": BOOTSTRAP,
                "linger.ms": 5,
                "acks": "all",
                "request.timeout.ms": 3000,
                "socket.connection.setup.timeout.ms": 2000,
                "reconnect.backoff.max.ms": 500,
                "retry.backoff.ms": 50,
                "log_level": 2,
                **own,
            }
        )

    def send(self, number, transaction=None):
        fields = {} if transaction is None else {"transaction": transaction.number}
        partition = number[1]
        self.history.write("invoke", "send", id=number[0], partition=partition, **fields)
        self.waiting += 1
        if transaction is not None:
            transaction.waiting += 1

        def delivered(error, message):
            self.waiting -= 1
            if transaction is not None:
                transaction.waiting -= 1
            told = {"id": number[0], "partition": partition, **fields}
            if error is None:
                # What a later record's acknowledgement has told is acknowledged at an offset that it has not.
                where = {} if message.offset() is None or message.offset() < 0 else {"offset": message.offset()}
                self.history.write("ok", "send", **where, **told)
                return
            certain = self.mode == "plain" and error.code() == KafkaError.NOT_ENOUGH_REPLICAS
            self.history.write("fail" if certain else "info", "send", error=error.name(), **told)
            if transaction is not None:
                transaction.is_intact = False
            if self.mode == "plain":
                self.again.append((time.monotonic() + 0.1, number))

        value = f"{self.topic}/{number[0]}"
        try:
            self.producer.produce(self.topic, value.encode(), partition=partition, on_delivery=delivered)
        except KafkaException as fatal:
            if self.mode != "idempotent" or not is_desynchronized(fatal):
                raise
            delivered(fatal.args[0], None)
            self.producer.purge()
            self.producer.flush(5)
            self.producer = self.make_producer()

    def new_number(self):
        number = (self.next_id, self.random.randrange(PARTITIONS))
        self.next_id += 1
        return number

    def write_records(self):
        self.producer = self.make_producer()
        while not stopping.is_set():
            due = [number for at, number in self.again if at <= time.monotonic()]
            self.again = [each for each in self.again if each[1] not in due]
            fresh = self.random.randint(1, 3) if self.waiting < MAX_WAITING else 0
            for number in due + [self.new_number() for _ in range(fresh)]:
                self.send(number)
            self.producer.poll(0)
            time.sleep(PAUSE_SECONDS)
        self.producer.flush(100)

    def write_transactions(self):
        number = 0
        while not stopping.is_set():
            try:
                if self.producer is None:
                    self.producer = self.make_producer()
                    self.producer.init_transactions(30)
                self.write_transaction(Transaction(number))
            except (KafkaException, BufferError):
                # Whether it was decided, the next one to take up the id finds out.
                self.producer = None
                time.sleep(0.1)
            number += 1
            time.sleep(PAUSE_SECONDS)
        # An open transaction would hold readers up.
        if self.producer is None:
            self.make_producer().init_transactions(30)

    def write_transaction(self, transaction):
        self.producer.begin_transaction()
        for _ in range(self.random.randint(2, 6)):
            self.send(self.new_number(), transaction)
        commits = self.random.random() > 0.2
        self.producer.flush(ANSWER_SECONDS)
        offset = [TopicPartition(self.topic, 0, transaction.number)]
        try:
            if transaction.is_intact:
                self.producer.send_offsets_to_transaction(offset, self.group.consumer_group_metadata(), ANSWER_SECONDS)
        except KafkaException:
            transaction.is_intact = False
        deed = "commit" if commits and transaction.is_intact and transaction.waiting == 0 else "abort"
        self.history.write("invoke", deed, transaction=transaction.number)
        try:
            if deed == "commit":
                self.producer.commit_transaction(ANSWER_SECONDS)
            else:
                self.producer.abort_transaction(ANSWER_SECONDS)
        except KafkaException as problem:
            name = problem.args[0].name()
            self.history.write("info", deed, transaction=transaction.number, error=name)
            raise
        self.history.write("ok", deed, transaction=transaction.number)


class Reader(threading.Thread):
    def __init__(self, mode, topic):
        super().__init__(daemon=True)
        self.topic = topic
        self.history = History(topic + ".reader.jsonl")
        self.last = {}
        self.consumer = Consumer(
            {
                "bootstrap.servers": BOOTSTRAP,
                "group.id": topic,
                "auto.offset.reset": "earliest",
                "enable.auto.commit": False,
                "isolation.level": "read_committed" if mode == "transactional" else "read_uncommitted",
                "session.timeout.ms": 6000,
                "heartbeat.interval.ms": 1000,
                "fetch.wait.max.ms": 100,
                "reconnect.backoff.max.ms": 500,
                # A commit to a broker that stands still is held on to for so long: by default longer than a drain.
                "socket.timeout.ms": 10000,
                "log_level": 2,
            }
        )

    def ask_offsets(self, partitions):
        self.history.write("invoke", "fetch-offsets", offsets=[[each.partition, -1] for each in partitions])
        try:
            found = self.consumer.committed(partitions, timeout=ANSWER_SECONDS)
            offsets = [[each.partition, max(-1, each.offset)] for each in found]
            self.history.write("ok", "fetch-offsets", offsets=offsets)
        except KafkaException as problem:
            offsets = [[each.partition, -1] for each in partitions]
            self.history.write("info", "fetch-offsets", offsets=offsets, error=problem.args[0].name())

    def commit(self):
        offsets = [[partition, offset + 1] for partition, offset in sorted(self.last.items())]
        if not offsets:
            return
        self.history.write("invoke", "commit-offsets", offsets=offsets)
        try:
            wanted = [TopicPartition(self.topic, partition, offset) for partition, offset in offsets]
            done = self.consumer.commit(offsets=wanted, asynchronous=False)
            failed = next((each.error for each in done if each.error is not None), None)
            if failed is not None:
                raise KafkaException(failed)
            self.history.write("ok", "commit-offsets", offsets=offsets)
        except KafkaException as problem:
            self.history.write("info", "commit-offsets", offsets=offsets, error=problem.args[0].name())

    def is_done(self):
        wanted = targets.get(self.topic)
        return wanted is not None and all(self.last.get(each, -1) >= wanted[each] for each in range(PARTITIONS))

    def run(self):
        def assigned(_, partitions):
            # What was read and not committed is read again.
            self.last.clear()
            self.ask_offsets(partitions)

        self.consumer.subscribe([self.topic], on_assign=assigned)
        committed = time.monotonic()
        deadline = None
        while not self.is_done():
            message = self.consumer.poll(0.1)
            if message is not None and message.error() is None:
                partition, offset = message.partition(), message.offset()
                self.last[partition] = offset
                value = message.value().decode()
                self.history.write("ok", "read", partition=partition, offset=offset, value=value)
            if time.monotonic() - committed > COMMIT_SECONDS:
                self.commit()
                committed = time.monotonic()
            if draining.is_set():
                deadline = deadline or time.monotonic() + DRAIN_SECONDS
                if time.monotonic() > deadline:
                    break
        self.commit()
        self.ask_offsets([TopicPartition(self.topic, each) for each in range(PARTITIONS)])
        self.consumer.close()


def main():
    jobs = [word.split(":", 1) for word in sys.argv[5:]]
    writers = [Writer(mode, topic) for mode, topic in jobs]
    readers = [Reader(mode, topic) for mode, topic in jobs]
    for thread in writers + readers:
        thread.start()
    for line in sys.stdin:
        command, *numbers = line.split()
        if command == "stop":
            stopping.set()
            for thread in writers:
                thread.join()
            print("stopped", flush=True)
        elif command == "drain":
            offsets = list(map(int, numbers))
            for index, (_, topic) in enumerate(jobs):
                targets[topic] = offsets[index * PARTITIONS : (index + 1) * PARTITIONS]
            draining.set()
            for thread in readers:
                thread.join()
            return
    # Whoever wanted this program is gone.
    os._exit(1)


main()
