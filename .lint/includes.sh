#!/bin/sh
# Who may include whom in core/: the layers of core/README.md; and that no files include one another in a circle.
set -eu

broken() {
  grep -H '^#include' core/*.[ch] core/*/*.[ch] | tr '"' '<' | awk -F'[:<>]' '
    BEGIN {
      allowed["crypto"] = "crypto"
      allowed["store"] = "crypto store"
      allowed["catalogue"] = "crypto store catalogue"
      allowed["transport"] = "crypto transport"
      allowed["runtime"] = "runtime"
      allowed["terminal"] = "terminal"
      allowed["transfer"] = "crypto store transport runtime transfer"
      allowed["http"] = "transport runtime transfer http"
      allowed["s3"] = "crypto transfer s3"
      allowed["lua"] = "crypto store catalogue transport runtime terminal transfer http s3 lua"
      allowed["."] = "lua runtime"
      needs_lua = "runtime lua ."
      needs_libevent = "runtime transport terminal transfer http lua"
      pure = "transport/frame transport/address"
    }
    function has(list, word) { return index(" " list " ", " " word " ") > 0 }
    {
      file = $1; what = $3
      count = split(file, part, "/")
      folder = count == 3 ? part[2] : "."
      module = folder "/" part[count]
      sub(/\.[ch]$/, "", module)
      target = split(what, step, "/") > 1 ? step[1] : ""
      if (target in allowed && !has(allowed[folder], target))
        print file ": " folder " must not include " what
      if (what ~ /^(lua|lauxlib|lualib)\.h$/ && !has(needs_lua, folder))
        print file ": " folder " must not know Lua (" what ")"
      if (what ~ /^event2?[\/.]/ && (!has(needs_libevent, folder) || has(pure, module)))
        print file ": must not know libevent (" what ")"
    }'
}

# NAME.c and NAME.h are one. A private header (internal.h, NAME_internal.h) belongs to all files that share it.
circles() {
  grep -H '^#include "' core/*.[ch] core/*/*.[ch] \
    | sed -n 's,^core/\(.*\)\.[ch]:#include "\(.*\)\.h".*,\1 \2,p' | grep -v 'internal\b' \
    | tsort 2>&1 > /dev/null | sed 's/^tsort: -: input contains a loop:/These files of core include one another in a circle:/; s/^tsort:/ /'
}

found=$(broken; circles)
if [ -n "$found" ]; then
  echo "$found"
  exit 1
fi
