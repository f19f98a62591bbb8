#!/bin/sh
# Installs what `npm run test:cli` needs and a Debian machine may lack: tmux, which is a real terminal without a screen. Needs
# root; does nothing when all is there.
set -eu

missing=
need() {
  command -v "$1" >/dev/null 2>&1 || missing="$missing $2"
}
need tmux tmux
need bash bash

[ -z "$missing" ] && exit 0
if [ "$(id -u)" -ne 0 ]; then
  echo "test:cli needs root to install:$missing" >&2
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
