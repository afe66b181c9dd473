"""What an ordinary test looks like, and one that loses a broker."""

import pytest


def test_orders_arrive(cluster):
    cluster("createTopics", topics=["orders"])
    cluster("produce", topic="orders", records=["one", {"key": "k", "value": "two"}])
    records = cluster("consume", topic="orders", count=2)
    assert [record["value"] for record in records] == ["one", "two"]


def test_orders_survive_their_leader(cluster):
    cluster("createTopics", topics=["orders"])
    leader = cluster("awaitLeader", topic="orders")
    cluster("stop", broker=leader)
    cluster("produce", topic="orders", records=["one"])
    cluster("start", broker=leader)
    cluster("awaitIsr", topic="orders", isr=3)
    cluster("expectEveryAcknowledgedRecordOnce", topic="orders", acknowledged=["one"])


def test_a_mistake_is_told(cluster):
    with pytest.raises(AssertionError, match="there is no broker 9"):
        cluster("stop", broker=9)


def test_any_client_can_connect(cluster):
    client = pytest.importorskip("confluent_kafka")
    producer = client.Producer({"bootstrap.servers": cluster.bootstrap_servers})
    cluster("createTopics", topics=["orders"])
    producer.produce("orders", b"from librdkafka")
    producer.flush(10)
    assert cluster("consume", topic="orders", count=1)[0]["value"] == "from librdkafka"
