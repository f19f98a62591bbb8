#!/bin/sh
# Installs commands that a Debian machine may lack. Each argument is a command, `=` and its package where that has another
# name: install-tools.sh strace ip=iproute2. Needs root; does nothing when all is there.
set -eu

missing=
for tool in "$@"; do
  PATH="$PATH:/usr/sbin:/sbin" command -v "${tool%%=*}" >/dev/null 2>&1 || missing="$missing ${tool#*=}"
done

[ -z "$missing" ] && exit 0
if [ "$(id -u)" -ne 0 ]; then
  echo "root is needed to install:$missing" >&2
  exit 1
fi
echo "installing$missing"
export DEBIAN_FRONTEND=noninteractive
# Package lists may be absent or old: they are only fetched when the first try fails.
# shellcheck disable=SC2086
apt-get install -y --no-install-recommends $missing >/dev/null 2>&1 || {
  apt-get update
  apt-get install -y --no-install-recommends $missing
}
