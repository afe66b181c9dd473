"""What kazoo, the Python client of ZooKeeper, asks of a server in an ordinary day. Argument: host:port.

Prints one line per step and ends with "done"; any failure ends the process with a traceback.
"""
import sys
import threading

from kazoo.client import KazooClient
from kazoo.exceptions import BadVersionError, NoAuthError, NodeExistsError, RolledBackError
from kazoo.security import make_digest_acl


def main(hosts):
    client = KazooClient(hosts=hosts, timeout=4)
    other = KazooClient(hosts=hosts, timeout=4)
    client.start(5)
    other.start(5)
    print("version", client.server_version()[:2] >= (3, 5))

    assert client.create("/kazoo/tree/leaf", b"one", makepath=True) == "/kazoo/tree/leaf"
    data, stat = client.get("/kazoo/tree/leaf")
    assert (data, stat.version) == (b"one", 0)
    assert client.set("/kazoo/tree/leaf", b"two", version=0).version == 1
    for wrong in (lambda: client.create("/kazoo/tree/leaf"), lambda: client.set("/kazoo/tree/leaf", b"", version=7)):
        try:
            wrong()
            raise AssertionError("not refused")
        except (NodeExistsError, BadVersionError):
            pass
    names = [client.create("/kazoo/s-", sequence=True) for _ in range(3)]
    assert names == ["/kazoo/s-%010d" % number for number in (1, 2, 3)], names
    print("nodes")

    transaction = client.transaction()
    transaction.create("/kazoo/t", b"t")
    transaction.check("/kazoo/tree/leaf", version=1)
    transaction.delete("/kazoo/s-0000000001")
    assert transaction.commit() == ["/kazoo/t", True, True]
    refused = client.transaction()
    refused.create("/kazoo/u")
    refused.check("/kazoo/t", version=9)
    results = refused.commit()
    assert isinstance(results[0], RolledBackError) and isinstance(results[1], BadVersionError), results
    assert client.exists("/kazoo/u") is None
    print("transactions")

    changed = threading.Event()
    gone = threading.Event()
    client.get("/kazoo/t", watch=lambda event: changed.set())
    other.set("/kazoo/t", b"changed")
    assert changed.wait(5)
    other.create("/kazoo/ephemeral", ephemeral=True)
    assert client.exists("/kazoo/ephemeral", watch=lambda event: gone.set())
    print("watches")

    client.add_auth("digest", "bob:secret")
    client.create("/kazoo/private", b"", acl=[make_digest_acl("bob", "secret", all=True)])
    try:
        other.get("/kazoo/private")
        raise AssertionError("not refused")
    except NoAuthError:
        pass
    print("rights")

    lock = client.Lock("/kazoo/lock", "one")
    with lock:
        assert not other.Lock("/kazoo/lock", "two").acquire(blocking=False)
    assert client.Counter("/kazoo/counter").value == 0
    print("recipes")

    other.stop()
    assert gone.wait(5)
    client.delete("/kazoo", recursive=True)
    client.stop()
    print("done")


if __name__ == "__main__":
    main(sys.argv[1])
