---How rows are told: as a table for people, or as JSON, one object a line.

local json = require "filo.base.json"

local report = {}

---What a part of the benchmark gives to the function that it is called with, as soon as it is known:
---@class bench.Row
---@field work string        what was done
---@field filo? number       what it took Filo, or how much of it Filo does
---@field unit? string       of that: "s", "ms", "CPU-s/GiB", "MiB" ...: less is better; or "/s": more is
---@field beside? string     what it was measured beside, as words: "rsync"
---@field peer? number       what that took, in the same unit
---@field ratio? number      times as slow, or dear, as that: by default follows from filo, peer and unit
---@field reach? string      what is to be reached: "1.70 x", "0.04 ms"
---@field missing? string    instead of figures: why there are none

---@alias bench.Part fun(report: fun(row: bench.Row))

---@param row bench.Row
---@return number?
local function ratio(row)
  if row.ratio or not row.peer then return row.ratio end
  if row.unit:find "/s$" then return row.peer / row.filo end
  return row.filo / row.peer
end

local function figure(value, unit)
  if not value then return "" end
  local digits = value >= 100 and 0 or value >= 10 and 1 or value >= 1 and 2 or 3
  return ("%." .. digits .. "f %s"):format(value, unit)
end

local LINE = "%-46s %16s %16s  %-24s %8s  %s"

local function write(...)
  io.stdout:write((LINE:format(...):gsub("%s+$", "")), "\n")
  io.stdout:flush()
end

---@param part string
---@return fun(row: bench.Row)
function report.table(part)
  write(part, "Filo", "beside", "", "ratio", "to reach")
  return function(row)
    if row.missing then
      write("  " .. row.work, "", "", row.missing, "", "")
      return
    end
    local times = ratio(row)
    write("  " .. row.work, figure(row.filo, row.unit), figure(row.peer, row.unit), row.beside or "",
      times and ("%.2f x"):format(times) or "", row.reach or "")
  end
end

---@param part string
---@return fun(row: bench.Row)
function report.json(part)
  return function(row)
    io.stdout:write(json.encode {
      part = part, work = row.work, filo = row.filo, unit = row.unit, beside = row.beside, peer = row.peer, ratio = ratio(row),
      reach = row.reach, missing = row.missing,
    }, "\n")
    io.stdout:flush()
  end
end

return report
