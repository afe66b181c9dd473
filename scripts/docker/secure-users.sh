#!/bin/bash
# secure-users.sh ZOOKEEPER: the users of the `secure` profile of docker-compose.yml, admin and demo, and what
# demo may do. Straight into ZooKeeper, as the first user of a cluster has nobody to log in as; KAFKA_OPTS
# says who does it. The same again changes nothing but passwords.
set -euo pipefail
zookeeper=$1
user() { # NAME PASSWORD
  kafka-configs --zookeeper "$zookeeper" --alter --entity-type users --entity-name "$1" \
    --add-config "SCRAM-SHA-256=[password=$2]"
}
user admin "$ADMIN_PASSWORD"
user demo "$DEMO_PASSWORD"
kafka-acls --authorizer-properties "zookeeper.connect=$zookeeper" --add --allow-principal User:demo \
  --producer --consumer --topic demo --group demo --resource-pattern-type prefixed
