#!/usr/bin/env bash
# What the browser tests want from the system and npm cannot bring, on Debian and Ubuntu: the libraries that
# the packaged Chromium is linked with, and a Chinese font, without which screenshots show boxes. Installs
# only what is missing. The tests run without it: they fall back on libraries that come with the package.
set -euo pipefail

missing=()
ldconfig -p | grep -q 'libnss3\.so' || missing+=(libnss3)
[ -n "$(fc-list :lang=zh 2>/dev/null)" ] || missing+=(fontconfig fonts-noto-cjk)
[ -n "$(fc-list :lang=en 2>/dev/null)" ] || missing+=(fonts-dejavu-core)

if [ ${#missing[@]} -eq 0 ]; then
  echo "Nothing is missing."
  exit 0
fi

as_root=()
[ "$(id -u)" -eq 0 ] || as_root=(sudo)
"${as_root[@]}" apt-get update -q
"${as_root[@]}" apt-get install -q -y --no-install-recommends "${missing[@]}"
