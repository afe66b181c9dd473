#!/bin/bash
# minimal-root.sh ROOT: what the image needs of its base, with the libraries of each: Node, bash, and the tools
# that scripts in containers use. The rest of a Debian, its package manager and npm stay behind: that is
# half of the size.
set -euo pipefail
root=$1
tools="bash cat grep sed awk mkdir rm ln ls cp mv touch sleep timeout chown chmod id env hostname uname
  head tail tr cut wc sort date dirname basename readlink tee test find xargs seq mktemp stat df du tar"

# What a program needs, and what has to be loaded before it; the loader itself tells.
libraries() { LD_PRELOAD=${2:-} LD_TRACE_LOADED_OBJECTS=1 "$1" 2>/dev/null | { LD_PRELOAD='' grep -oE '/[^ ]+' || true; }; }
add() { [ -e "$root$1" ] || { mkdir -p "$root$(dirname "$1")" && cp -L "$1" "$root$1"; }; }

mkdir -p "$root"/usr/{bin,sbin,lib,lib64,local/bin} "$root"/{etc,proc,sys,dev,run,tmp,var,home}
for link in bin sbin lib lib64; do ln -s "usr/$link" "$root/$link"; done
chmod 755 "$root" && chmod 1777 "$root/tmp"
for tool in node $tools; do
  path=$(type -P "$tool") || continue
  add "$path"
  libraries "$path" | while read -r library; do add "$library"; done
done
# Debian's own sh forgets variables whose names have dashes, as those of SCRAM's configs have; bash passes them on.
ln -s bash "$root/usr/bin/sh"
find /opt/odradek -name '*.node' | while read -r addon; do
  libraries /bin/bash "$addon" | while read -r library; do
    case $library in /opt/*) ;; *) add "$library" ;; esac
  done
done
printf 'root:x:0:0:root:/root:/bin/bash\nodradek:x:1000:1000::/var/lib/odradek:/bin/bash\n' >"$root/etc/passwd"
printf 'root:x:0:\nodradek:x:1000:\n' >"$root/etc/group"
printf 'hosts: files dns\n' >"$root/etc/nsswitch.conf"
