#!/bin/bash
# secure-files.sh DIRECTORY HOST...: what the `secure` profile of docker-compose.yml has on its volume. An
# authority and the brokers' certificate, for these hosts, once; the logins of ZooKeeper and the properties
# of two clients each time, as the passwords may be others by then.
# ADMIN_PASSWORD, DEMO_PASSWORD, ZOOKEEPER_PASSWORD: of the users admin and demo, and of brokers in ZooKeeper.
set -euo pipefail
umask 077
directory=$1
shift
for variable in ADMIN_PASSWORD DEMO_PASSWORD ZOOKEEPER_PASSWORD; do
  # These go into files with quotes and escapes of their own.
  [[ ${!variable:-} =~ ^[[:alnum:]._~-]+$ ]] && continue
  echo "$variable must be of letters, digits, dots, dashes, underscores and tildes" >&2
  exit 2
done
[ -e "$directory/broker.pem" ] || odradek certs --out "$directory" "${@/#/--host=}" >/dev/null

login='org.apache.zookeeper.server.auth.DigestLoginModule required'
cat >"$directory/zookeeper.jaas" <<JAAS
Server { $login user_broker="$ZOOKEEPER_PASSWORD"; };
Client { $login username="broker" password="$ZOOKEEPER_PASSWORD"; };
JAAS

# With the authority in it, so that one file is all that a client needs on any machine.
authority=$(<"$directory/ca.pem")
client() { # NAME PASSWORD
  cat >"$directory/$1.properties" <<PROPERTIES
security.protocol=SASL_SSL
sasl.mechanism=SCRAM-SHA-256
sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required username="$1" password="$2";
ssl.truststore.type=PEM
ssl.truststore.certificates=${authority//$'\n'/\\n}
PROPERTIES
}
client admin "$ADMIN_PASSWORD"
client demo "$DEMO_PASSWORD"
