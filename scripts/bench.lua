#!/usr/bin/env filo
-- Measures Filo beside the limits of this machine, or beside other programs, in the same run, and prints ratios.
--
--   filo scripts/bench.lua [--json] [PART ...]
--   TMPDIR=/dev/shm filo scripts/bench.lua bulk    all files lie there: here in memory, without the disk's share
--
--   seal       a file into the store of a node
--   bulk       a large file to two peers, and back
--   small      requests, and objects of some KiB: how long, and how many a second
--   files      'filo get -r' and 'filo rm' of thousands of small files
--   catalogue  lists of 100000 objects; OBJECTS=1000000 in the environment: of so many
--   in_step    what two nodes with 100000 objects tell each other to find 10 differences; OBJECTS as above
--   repair     copies that are missing, what else is asked while they are made, and a node that joins
--   http       a large file and small ones, to and from a web server of a node
--   runtime    tasks, channels and sockets of scripts
--
-- Without a part all are measured. Each figure is the median of runs in turns with what it is measured beside. A ratio
-- above 1 means that Filo is so many times as slow, or as dear, as that. rsync, scp, nginx, redis and cqueues (Debian's
-- lua-cqueues) are asked to do the same where they are installed, over HTTP by curl and wrk; a line says which are not. The congestion
-- control is the system's, for all of them: bbr makes loopback slow (`sysctl net.ipv4.tcp_congestion_control`).

local here = arg[0]:match "^(.*/)" or ""
package.path = here .. "?.lua;" .. here .. "../?.lua;" .. package.path

local report = require "bench.support.report"
local script = require "filo.script"

local PARTS = { "seal", "bulk", "small", "files", "catalogue", "in_step", "repair", "http", "runtime" }

local function is_part(name)
  for _, part in ipairs(PARTS) do
    if part == name then return true end
  end
  return false
end

local function read_arguments()
  local names, as_json = {}, false
  for _, argument in ipairs(arg) do
    if argument == "--json" then
      as_json = true
    elseif is_part(argument) then
      names[#names + 1] = argument
    else
      script.usage(("there is no part '%s'; there are %s"):format(argument, table.concat(PARTS, ", ")))
    end
  end
  return #names > 0 and names or PARTS, as_json
end

local names, as_json = read_arguments()
for _, name in ipairs(names) do
  local measure = require("bench." .. name)
  local told = as_json and report.json(name) or report.table(name)
  measure(told)
end
