#!/bin/bash
# The image's ENTRYPOINT: a command of ours by its word, a broker without one or with options only, and
# whatever else is given as the program that it is, as in Kafka's images.
case "${1:-broker}" in
  broker | zookeeper | cluster | topics | produce | consume | configs | quotas | groups | reassign | \
    elect-leaders | delete-records | get-offsets | log-dirs | transactions | cluster-id | api-versions | zk | log | --help | help)
    exec odradek "$@" ;;
  --*) exec odradek broker "$@" ;;
  *) exec "$@" ;;
esac
