#!/bin/bash
# `odradek` inside the image; under the name of a command of Kafka's (kafka-topics, kafka-topics.sh), that one.
name=${0##*/}
name=${name%.sh}
[ "$name" = odradek ] || set -- "$name" "$@"
exec node /opt/odradek/container.cjs run "$@"
