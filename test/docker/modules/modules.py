"""The Kafka module of testcontainers for Python on the image that is named: modules.py zookeeper|kraft IMAGE.

Prints the address of the broker, and waits for a line of input before it ends the container."""
import sys
import time

from testcontainers.kafka import KafkaContainer

mode, image = sys.argv[1:]
container = KafkaContainer(image)
if mode == "kraft":
    container.with_kraft()
started = time.monotonic()
with container:
    print(f"started in {1000 * (time.monotonic() - started):.0f} ms", file=sys.stderr)
    print(container.get_bootstrap_server(), flush=True)
    sys.stdin.readline()
