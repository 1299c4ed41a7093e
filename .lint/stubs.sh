#!/bin/sh
# Compares the functions that C registers (luaL_Reg tables in core/) with their documentation in lua/stubs/, both ways.
#
# In C: `functions` of core/lua/NAME.c, or core/NAME/module.c, are NAME.x; `CLASS_methods`, or `methods` of
# core/lua/CLASS.c, are CLASS:x; `core_modules` lists the modules; `lua_functions` replace Lua's own.
# In a stub: `function NAME.x(...) end`, `function CLASS:x(...) end`.
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
  sed -n 's/^function \([a-z0-9_]*[.:][a-z0-9_]*\)(.*/\1/p' lua/stubs/*.lua | sort
}

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
registered > "$folder/registered"
documented > "$folder/documented"
comm -23 "$folder/registered" "$folder/documented" | sed 's,$,: registered in C but not documented in lua/stubs/,'
comm -13 "$folder/registered" "$folder/documented" | sed 's,$,: documented in lua/stubs/ but not registered in C,'
cmp -s "$folder/registered" "$folder/documented"
