#!/bin/sh
# Runs one fuzzer: run.sh PROGRAM CORPUS SECONDS. One line when all is well; else all that it said, and the input in PROGRAM.crash-...
set -eu
program=$1
corpus=$2
seconds=$3
log=$program.log

if ! "$program" -max_total_time="$seconds" -max_len=70000 -timeout=10 -rss_limit_mb=1024 -print_final_stats=1 \
  -artifact_prefix="$program." "$corpus" > "$log" 2>&1; then
  cat "$log"
  exit 1
fi
runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
echo "fuzz $(basename "$program"): $runs inputs in $seconds s, all is well"
