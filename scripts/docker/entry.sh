#!/bin/bash
# The image's ENTRYPOINT: a broker without a word or with options only, a program where there is one of that
# name, as in Kafka's images, and all else as a command of ours.
case "${1:-}" in
  --help) exec odradek --help ;;
  --*) exec odradek broker "$@" ;;
esac
if type -P "${1:-broker}" >/dev/null; then exec "$@"; fi
exec odradek "$@"
