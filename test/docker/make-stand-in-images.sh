#!/usr/bin/env bash
# make-stand-in-images.sh [IMAGE...]: sees to it that the public images the tests start from are here.
#
# An image that is here is left alone. One that is absent is pulled. Only where that fails, a stand-in of
# the same name is made from this machine's own files, without a network: enough of zookeeper:3.9 (any Java
# and Debian's ZooKeeper; the same variables, directories and ports as the public image) and of
# node:24-slim (this machine's Node and npm) for what we do with them. A stand-in carries the label
# odradek.stand-in; it is replaced as soon as a pull succeeds, and this removes them all:
#   make-stand-in-images.sh --remove
# Exit status 0: all images are here. 1: one is not, and why.
#
# ODRADEK_NODE: the Node to put into node:24-slim (default: the one on the PATH).
# ODRADEK_PULL_SECONDS: how long a pull may take (default 40).
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
label=odradek.stand-in
say() { printf '%s\n' "$*" >&2; }
work=$(mktemp -d)
# Whoever is at work on an image ends first: it would go on with the files that are left, and import those.
trap 'kill $(jobs -p) 2>/dev/null; wait; rm -rf "$work"' EXIT
trap 'exit 1' INT TERM

# Files are copied with their paths; /bin, /lib and so on are links into /usr as they are on Debian.
new_root() {
  local root link
  root=$(mktemp -d -p "$work")
  mkdir -p "$root"/usr/{bin,sbin,lib,lib64,local/bin,local/lib,share} "$root"/{etc,proc,sys,dev,run,tmp,var/tmp,root,home}
  for link in bin sbin lib lib64; do ln -s "usr/$link" "$root/$link"; done
  chmod 755 "$root" && chmod 1777 "$root/tmp" "$root/var/tmp"
  printf 'root:x:0:0:root:/root:/bin/bash\nnode:x:1000:1000::/home/node:/bin/bash\n' >"$root/etc/passwd"
  printf 'root:x:0:\nnode:x:1000:\n' >"$root/etc/group"
  printf 'hosts: files dns\n' >"$root/etc/nsswitch.conf"
  mkdir "$root/home/node" && chown 1000:1000 "$root/home/node"
  echo "$root"
}

# What a program or shared object needs, the loader included.
add_libraries() {
  local root=$1 file library
  shift
  for file in "$@"; do ldd "$file" 2>/dev/null; done | grep -oE '/[^ ]+' | grep -v ':$' | sort -u | while read -r library; do
    [ -e "$root$library" ] || (cd / && cp -L --parents "$library" "$root/")
  done
}

# Libraries by name, from where this machine's C library is.
add_libraries_beside() {
  local root=$1 directory name
  directory=$(dirname "$(ldd "$(type -P bash)" | grep -oE '/[^ ]+/libc\.so\.6')")
  shift
  for name in "$@"; do
    [ -e "$directory/$name" ] && (cd / && cp -L --parents "$directory/$name" "$root/")
  done
}

add_tools() {
  local root=$1 tool path
  shift
  for tool in "$@"; do
    path=$(type -P "$tool") || continue
    cp -L "$path" "$root/usr/bin/$tool"
    add_libraries "$root" "$path"
  done
}

import_root() { # ROOT TAG CHANGE...
  local root=$1 tag=$2 changes=() change
  shift 2
  for change in "$@" "LABEL $label=true"; do changes+=(-c "$change"); done
  tar -C "$root" -c . | docker import "${changes[@]}" - "$tag" >/dev/null
}

# Whether an image that was made runs a program; it goes when it does not.
runs() { # TAG PROGRAM WORD...
  local tag=$1 program=$2
  shift 2
  docker run --rm --entrypoint "$program" "$tag" "$@" >/dev/null 2>&1 && return 0
  docker image rm "$tag" >/dev/null
  return 1
}

make_zookeeper() { # TAG
  local java_home jar root
  for jar in zookeeper slf4j-simple; do
    [ -e "/usr/share/java/$jar.jar" ] || { say "$jar.jar is missing: apt-get install libzookeeper-java libslf4j-java"; return 1; }
  done
  java_home=$(readlink -f "$(type -P java)") || { say "java is missing"; return 1; }
  java_home=${java_home%/bin/java}
  root=$(new_root)
  if [ -d "$java_home/jmods" ] && [ -x "$java_home/bin/jlink" ]; then
    "$java_home/bin/jlink" --output "$root/usr/lib/jre" --strip-debug --no-header-files --no-man-pages --compress=2 \
      --add-modules java.base,java.logging,java.management,java.naming,java.xml,java.security.jgss,java.security.sasl,jdk.management,jdk.unsupported,jdk.security.auth,java.rmi,java.sql
  else
    mkdir "$root/usr/lib/jre" && cp -rL "$java_home"/{bin,conf,lib} "$root/usr/lib/jre/" 2>/dev/null # a dangling link or two
  fi
  add_libraries "$root" "$root"/usr/lib/jre/bin/java "$root"/usr/lib/jre/lib/*.so "$root"/usr/lib/jre/lib/server/*.so
  add_tools "$root" bash sh cat grep sed mkdir ls sleep timeout chown chmod ln rm id env hostname
  ln -s ../lib/jre/bin/java "$root/usr/bin/java"
  mkdir -p "$root"/{conf,data,datalog,logs} "$root/usr/share/java" "$root/apache-zookeeper-bin/bin"
  for jar in zookeeper zookeeper-jute slf4j-api slf4j-simple netty-{buffer,codec,common,handler,resolver,transport,transport-native-epoll,transport-native-unix-common} \
    metrics-core snappy-java commons-{cli,io} jackson-{annotations,core,databind} jline2 jetty9-{http,io,security,server,servlet,util} servlet-api-3.1; do
    [ -e "/usr/share/java/$jar.jar" ] && cp -L "/usr/share/java/$jar.jar" "$root/usr/share/java/"
  done
  install -m755 "$here/stand-in/docker-entrypoint.sh" "$root/"
  install -m755 "$here/stand-in/zkServer.sh" "$root/apache-zookeeper-bin/bin/"
  import_root "$root" "$1" 'ENV PATH=/apache-zookeeper-bin/bin:/usr/bin ZOO_CONF_DIR=/conf ZOO_DATA_DIR=/data ZOO_DATA_LOG_DIR=/datalog ZOO_LOG_DIR=/logs' \
    'EXPOSE 2181 2888 3888 8080' 'VOLUME ["/data", "/datalog", "/logs"]' 'ENTRYPOINT ["/docker-entrypoint.sh"]' 'CMD ["zkServer.sh", "start-foreground"]' || return 1
  runs "$1" bash -c 'java -version && ls /docker-entrypoint.sh' && return 0
  say "the Java of this machine does not run in a container"
  return 1
}

make_node() { # TAG
  local node npm root
  node=$(readlink -f "${ODRADEK_NODE:-$(type -P node)}") && [ -x "$node" ] || { say "node is missing"; return 1; }
  npm=$(readlink -f "$(type -P npm)") # …/npm/bin/npm-cli.js
  npm=${npm%/bin/npm-cli.js}
  [ -e "$npm/bin/npm-cli.js" ] || { say "npm is missing"; return 1; }
  root=$(new_root)
  install -m755 "$node" "$root/usr/local/bin/node"
  add_libraries "$root" "$node"
  add_tools "$root" bash sh cat grep sed mkdir rm ln ls cp mv touch sleep timeout chown chmod id env hostname uname tar gzip \
    awk head tail tr cut wc sort date dirname basename readlink tee test find xargs seq mktemp stat df du
  # A Debian has all of its C library, and what Rust needs; add-ons count on it.
  add_libraries_beside "$root" librt.so.1 libdl.so.2 libpthread.so.0 libm.so.6 libgcc_s.so.1
  mkdir -p "$root/usr/local/lib/node_modules" "$root/etc/ssl/certs"
  cp -rL "$npm" "$root/usr/local/lib/node_modules/npm"
  ln -s ../lib/node_modules/npm/bin/npm-cli.js "$root/usr/local/bin/npm"
  ln -s ../lib/node_modules/npm/bin/npx-cli.js "$root/usr/local/bin/npx"
  # npm in a container has to trust whom npm on this machine trusts.
  cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/" 2>/dev/null
  import_root "$root" "$1" 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt' 'CMD ["node"]' || return 1
  # A distribution's npm may be spread over places that were not copied.
  runs "$1" npm --version && return 0
  say "the npm of this machine does not run in a container"
  return 1
}

stand_in() { [ "$(docker image inspect -f "{{index .Config.Labels \"$label\"}}" "$1" 2>/dev/null)" = true ]; }

provide() { # IMAGE
  local image=$1 seconds=${ODRADEK_PULL_SECONDS:-40} answer
  docker image inspect "$image" >/dev/null 2>&1 && ! stand_in "$image" && return 0
  answer=$(timeout "$seconds" docker pull -q "$image" 2>&1) && return 0
  stand_in "$image" && return 0
  say "$image can't be pulled (${answer:-not within $seconds s}); making a stand-in from this machine's files"
  case $image in
    zookeeper:*) make_zookeeper "$image" ;;
    node:*) make_node "$image" ;;
    *) say "there is no stand-in for $image"; return 1 ;;
  esac || { say "could not make a stand-in for $image"; return 1; }
}

docker info >/dev/null 2>&1 || { say "no Docker daemon answers"; exit 1; }
if [ "${1:-}" = --remove ]; then
  docker image ls -q --filter "label=$label" | sort -u | xargs -r docker image rm -f >/dev/null
  exit
fi
[ $# -gt 0 ] || set -- zookeeper:3.9 node:24-slim
waiting=()
for image in "$@"; do provide "$image" & waiting+=($!); done
status=0
for pid in "${waiting[@]}"; do wait "$pid" || status=1; done
exit $status
