"""A Kafka cluster for pytest, without Docker and without a JVM: one for the session, new for each test."""

import json
import os
import shlex
import subprocess
import urllib.error
import urllib.request

import pytest

ODRADEK = shlex.split(os.environ.get("ODRADEK", "npx odradek"))


class Cluster:
    def __init__(self, ready):
        self.bootstrap_servers = ready["bootstrapServers"]
        self.zookeeper = ready["zookeeper"]
        self.admin_url = ready["adminUrl"]

    def __call__(self, command, **parameters):
        """cluster("stop", broker=1): every command of /openapi.json."""
        body = json.dumps(parameters).encode()
        request = urllib.request.Request(f"{self.admin_url}/{command}", data=body, method="POST")
        try:
            with urllib.request.urlopen(request) as response:
                return json.load(response)
        except urllib.error.HTTPError as failure:
            raise AssertionError(json.load(failure)["error"]) from None


@pytest.fixture(scope="session")
def kafka():
    process = subprocess.Popen(
        [*ODRADEK, "cluster", "--json", "--exit-with-parent"],
        stdin=subprocess.PIPE,  # it ends when this pipe does, however pytest ends
        stdout=subprocess.PIPE,
    )
    line = process.stdout.readline()
    assert line, "the cluster could not be started"
    yield Cluster(json.loads(line))
    process.stdin.close()
    process.wait(timeout=20)


@pytest.fixture
def cluster(kafka):
    kafka("reset")
    return kafka
