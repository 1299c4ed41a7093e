#!/bin/sh
# Compares, both ways, the functions that C registers (luaL_Reg tables in core/) with their documentation in lua/stubs/, and what
# lua/filo/host/real.lua has with lua/stubs/host.lua.
#
# In C: `functions` of core/lua/NAME.c, or core/NAME/module.c, are NAME.x; `CLASS_methods`, or `methods` of
# core/lua/CLASS.c, are CLASS:x; `core_modules` lists the modules; `lua_functions` replace Lua's own.
# In a stub: `function NAME.x(...) end`, `function CLASS:x(...) end`; of the host also `host.x = ` and `---@field x`.
set -eu
LC_ALL=C
export LC_ALL

registered() {
  for file in core/*/*.c; do
    name=$(basename "$file" .c)
    if [ "$name" = module ]; then name=$(basename "$(dirname "$file")"); fi
    awk -v RS=';' -v file="$file" -v name="$name" '
      match($0, /luaL_Reg +[a-z_]+\[\] *=/) {
        table = substr($0, RSTART, RLENGTH)
        gsub(/luaL_Reg +|\[.*/, "", table)
        if (table == "core_modules" || table == "lua_functions") next
        if (table == "functions") prefix = name "."
        else if (table == "methods") prefix = name ":"
        else if (sub(/_methods$/, "", table)) prefix = table ":"
        else { print file ": name this table functions, methods or CLASS_methods: " table; next }
        while (match($0, /\{"[a-z0-9_]+"/)) {
          print prefix substr($0, RSTART + 2, RLENGTH - 3)
          $0 = substr($0, RSTART + RLENGTH)
        }
      }' "$file"
  done | sort
}

documented() {
  sed -n 's/^function \([a-z0-9_]*[.:][a-z0-9_]*\)(.*/\1/p' $(ls lua/stubs/*.lua | grep -v /host.lua) | sort
}

in_host() {
  awk '
    /^local host = {$/ { within = 1; next }
    /^}$/ { within = 0 }
    within && /^  [a-z_]+ = {$/ { part = $1 "."; print $1; next }
    within && /^  }/ { part = "" }
    within && $2 == "=" { print part $1 }
    /^function host\./ { sub(/\(.*/, ""); sub(/^function host\./, ""); print }' lua/filo/host/real.lua | sort
}

documented_host() {
  awk '
    /^---@class filo\.Host\./ { part = $2; sub(/filo\.Host\./, "", part); part = part "." }
    /^---@field/ { print part $2 }
    /^function host\./ { sub(/\(.*/, ""); sub(/^function host\./, ""); print }
    /^host\.[a-z_]+ =/ { sub(/^host\./, ""); print $1 }' lua/stubs/host.lua | sort -u
}

# Two lists of names, one a line: what is in only one of them, and what that means.
compare() {
  comm -23 "$1" "$2" | sed "s,$,: $3,"
  comm -13 "$1" "$2" | sed "s,$,: $4,"
  cmp -s "$1" "$2"
}

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
registered > "$folder/registered"
documented > "$folder/documented"
in_host > "$folder/host"
documented_host > "$folder/host-documented"
failed=0
compare "$folder/registered" "$folder/documented" "registered in C but not documented in lua/stubs/" \
  "documented in lua/stubs/ but not registered in C" || failed=1
compare "$folder/host" "$folder/host-documented" "in lua/filo/host/real.lua but not documented in lua/stubs/host.lua" \
  "documented in lua/stubs/host.lua but not in lua/filo/host/real.lua" || failed=1
exit $failed
