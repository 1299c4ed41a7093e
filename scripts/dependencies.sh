#!/bin/sh
# Installs what is missing to build (no argument), to test, to lint or to fuzz Filo:  dependencies.sh [test|lint|fuzz]
# With apt; elsewhere it says what to install. Silent when nothing is missing.
set -eu
purpose=${1:-build}

# What is missing, as lines of: apt package, name, reason.
missing() {
  while IFS='|' read -r check what package name reason; do
    case $check in
      command) command -v "$what" > /dev/null || echo "$package|$name|$reason" ;;
      header) [ -e "/usr/include/$what" ] || echo "$package|$name|$reason" ;;
      fuzzer) can_fuzz || echo "$package|$name|$reason" ;;
      module) [ -e "$(pkg-config --variable=INSTALL_LMOD lua5.4 2> /dev/null)/$what" ] || echo "$package|$name|$reason" ;;
      blake3) has_blake3 || echo "$package|$name|$reason" ;;
      llhttp) has_llhttp || echo "$package|$name|$reason" ;;
      python) [ -e "/usr/lib/python3/dist-packages/$what" ] || echo "$package|$name|$reason" ;;
      library) pkg-config --exists "$what" 2> /dev/null || echo "$package|$name|$reason" ;;
    esac
  done << END
command|cc|gcc|a C11 compiler|compiles the core
header|stdio.h|libc6-dev|the C library's headers|compiles the core
command|make|make|GNU make|builds
command|pkg-config|pkgconf|pkg-config|finds the libraries
library|lua5.4|liblua5.4-dev|Lua 5.4 with headers|runs scripts
library|libevent_core >= 2.1|libevent-dev|libevent 2.1|event loop
library|libssl >= 3.0|libssl-dev|OpenSSL 3|TLS, hashes, ciphers, signatures
library|libcbor|libcbor-dev|libcbor|reads and writes messages
blake3|blake3|librust-blake3-dev|BLAKE3 (libblake3, or its C sources)|hashes content
llhttp|llhttp|node-llhttp|llhttp (libllhttp, or its C sources)|reads requests of HTTP
library|sqlite3 >= 3.35|libsqlite3-dev|SQLite 3.35|keeps the catalogue of a root
library|expat >= 2.4|libexpat1-dev|expat 2.4|reads the XML of S3
library|libedit|libedit-dev|libedit|edits lines at the prompt
module|argparse.lua|lua-argparse|argparse for Lua 5.4|reads the arguments of commands
module|dkjson.lua|lua-dkjson|dkjson for Lua 5.4|writes JSON
$(for_test)
$(for_lint)
$(for_fuzz)
END
}

for_test() {
  if [ "$purpose" = test ]; then
    echo 'command|busted|lua-busted|busted for Lua 5.4|runs the specs'
    echo 'command|openssl|openssl|the openssl command|checks the ciphers against another program'
    echo 'command|b3sum|b3sum|the b3sum command|checks the chunk hashes against another program'
    echo 'command|bash|bash|bash|completes the command lines of filo'
    echo 'command|curl|curl|curl|asks servers of HTTP as another program does'
    echo 'command|perl|perl-base|perl|plays a peer that answers nobody'
    echo 'command|rclone|rclone|rclone|asks the server of S3 as another program does'
    echo 'command|restic|restic|restic|the same'
    echo 'command|s3cmd|s3cmd|s3cmd|the same'
    echo 'command|/usr/bin/aws|awscli|the AWS command line|the same'
    echo 'command|chromium|chromium|Chromium|shows the page of a node'
    echo 'command|chromedriver|chromium-driver|the driver of Chromium|the same'
    echo 'python|boto3|python3-boto3|boto3 for Python 3|the same'
  fi
}

for_lint() {
  if [ "$purpose" = lint ]; then
    echo 'command|gcc|gcc|gcc|compiles with warnings as errors'
    echo 'command|clang|clang|clang|compiles with warnings as errors'
    echo 'command|clang-format|clang-format|clang-format|checks the layout of C'
    echo 'command|clang-tidy|clang-tidy|clang-tidy|analyses C'
    echo 'command|luacheck|lua-check|luacheck|analyses Lua'
  fi
}

for_fuzz() {
  if [ "$purpose" = fuzz ]; then
    echo 'command|clang|clang|clang|compiles the fuzzers'
    echo 'fuzzer|clang|libclang-rt-dev|the compiler-rt of clang (libFuzzer, AddressSanitizer)|runs the fuzzers'
  fi
}

# The library, or the official C sources, which Debian 12 has in a package for Rust.
has_blake3() {
  pkg-config --exists libblake3 2> /dev/null || ls /usr/share/cargo/registry/blake3-*/c/blake3.c > /dev/null 2>&1
}

# The same, for Node.js.
has_llhttp() {
  pkg-config --exists libllhttp 2> /dev/null || [ -e /usr/share/llhttp/llhttp.c ]
}

# Whether clang can link a fuzzer: on Debian its runtime is a package of its own.
can_fuzz() {
  echo 'int LLVMFuzzerTestOneInput(const char *p, long n) { return p[n - 1]; }' |
    clang -fsanitize=fuzzer,address -x c -o /dev/null - > /dev/null 2>&1
}

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

install_packages() {
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install --yes --quiet=2 --no-install-recommends "$@" < /dev/null
}

absent=$(missing)
[ -n "$absent" ] || exit 0

can_install=true
command -v apt-get > /dev/null || can_install=false
if [ "$(id -u)" != 0 ] && ! command -v sudo > /dev/null; then can_install=false; fi

echo "Missing to $purpose Filo:"
echo "$absent" | while IFS='|' read -r package name reason; do
  if $can_install; then echo "  $package: $reason"; else echo "  $name: $reason"; fi
done
if ! $can_install; then
  echo "Install these with your package manager (this script knows only apt-get, as root or with sudo), then try again."
  exit 1
fi

packages=$(echo "$absent" | cut -d'|' -f1 | sort -u)
echo "Installing: $(echo $packages)"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# The lists of packages may be missing or old. (The names are one word each.)
if ! install_packages $packages > "$log" 2>&1; then
  as_root apt-get update --quiet=2 > "$log" 2>&1 < /dev/null || true
  install_packages $packages >> "$log" 2>&1 || { cat "$log"; exit 1; } >&2
fi

absent=$(missing)
[ -z "$absent" ] || { echo "Still missing after the installation:"; echo "$absent" | cut -d'|' -f2- | sed 's/^/  /; s/|/: /'; exit 1; } >&2
