"""A record there and back over SASL_SSL, by each mechanism. Arguments: library, bootstrap, ca file, user, password."""
import logging
import sys
import uuid

from steps import equal, run, until

logging.disable(logging.CRITICAL)
LIBRARY, BOOTSTRAP, CA, USER, PASSWORD = sys.argv[1:]


def by_confluent(mechanism, topic):
    from confluent_kafka import Consumer, Producer
    common = {'bootstrap.servers': BOOTSTRAP, 'security.protocol': 'SASL_SSL', 'ssl.ca.location': CA,
              'sasl.mechanism': mechanism, 'sasl.username': USER, 'sasl.password': PASSWORD}
    producer = Producer(common)
    producer.produce(topic, b'hello')
    equal(producer.flush(15), 0)
    consumer = Consumer({**common, 'group.id': topic, 'auto.offset.reset': 'earliest'})
    consumer.subscribe([topic])
    def arrived():
        message = consumer.poll(0.5)
        return message is not None and message.error() is None and message.value() == b'hello'
    until('the record comes', arrived)
    consumer.close()


def by_kafka_python(mechanism, topic):
    from kafka import KafkaConsumer, KafkaProducer
    common = {'bootstrap_servers': BOOTSTRAP.split(','), 'security_protocol': 'SASL_SSL', 'ssl_cafile': CA,
              'sasl_mechanism': mechanism, 'sasl_plain_username': USER, 'sasl_plain_password': PASSWORD}
    producer = KafkaProducer(**common, acks='all')
    until('the record is acknowledged', lambda: producer.send(topic, b'hello').get(15))
    producer.close()
    consumer = KafkaConsumer(topic, **common, group_id=topic, auto_offset_reset='earliest',
                             consumer_timeout_ms=15000)
    equal(next(iter(consumer)).value, b'hello')
    consumer.close()


def step(mechanism):
    logged_in = by_confluent if LIBRARY == 'confluent_kafka' else by_kafka_python
    topic = f'{LIBRARY}-{mechanism.lower()}-{uuid.uuid4().hex[:6]}'
    return mechanism, lambda: logged_in(mechanism, topic)


run([step(mechanism) for mechanism in ('PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512')])
