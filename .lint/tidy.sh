#!/bin/sh
# clang-tidy on one file: tidy.sh FILE COMPILER-FLAGS... Silent when it finds nothing.
file=$1
shift
if [ "$file" != core/error.c ]; then set -- "$@" -include .lint/analyzer.h; fi
found=$(clang-tidy --quiet "$file" -- "$@" 2> /dev/null) && exit 0
[ -n "$found" ] || found=$(clang-tidy "$file" -- "$@" 2>&1)
echo "$found"
exit 1
