#!/bin/sh
# Prints an assembler file that embeds Lua modules, and what they serve: embed.sh FOLDER FILE... A FILE below FOLDER is named by its path
# there; another one, a library's, becomes filo/FILE, so that it is in nobody's way.
# It defines filo_embedded_modules, an array of struct filo_embedded (modules.h), and between filo_sources and filo_sources_end whole pages of the files alone.
set -eu
folder=$1
shift

echo '.section .note.GNU-stack,"",%progbits'
echo '.section .rodata.sources,"a"'
echo '.balign 4096'
echo '.globl filo_sources, filo_sources_end'
echo 'filo_sources:'
i=0
for file; do
  case $file in
    "$folder"/*) relative=${file#"$folder"/} ;;
    *) relative=filo/$(basename "$file") ;;
  esac
  name=$(echo "${relative%.lua}" | tr / .)
  echo '.section .rodata'
  echo "name_$i: .asciz \"$name\""
  echo "file_$i: .asciz \"$relative\""
  echo '.section .rodata.sources,"a"'
  echo "begin_$i: .incbin \"$file\""
  echo "end_$i: .byte 0"
  i=$((i + 1))
done

echo '.section .rodata.sources,"a"'
echo '.balign 4096'
echo 'filo_sources_end:'

echo '.section .data.rel.ro,"aw"'
echo '.balign 8'
echo '.globl filo_embedded_modules'
echo 'filo_embedded_modules:'
n=0
while [ "$n" -lt "$i" ]; do
  echo ".quad name_$n, file_$n, begin_$n, end_$n"
  n=$((n + 1))
done
echo '.quad 0, 0, 0, 0'
