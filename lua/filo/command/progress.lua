---Shows how far something is, on the last line of a terminal; nothing where stderr is none.

local filo = require "filo"
local format = require "filo.base.format"
local runtime = require "filo.core.runtime"

local BAR, WIDTH = 10, 79
local WINDOW_SECONDS = 5 -- the rate is that of the last few seconds

---@class filo.Progress
local Progress = {}
Progress.__index = Progress

---@param quiet? boolean
---@return filo.Progress
local function new(quiet)
  return setmetatable({ shown = not quiet and runtime.is_terminal(2), samples = {} }, Progress)
end

---Bytes a second since the oldest sample that is still of interest.
local function rate_of(self, done)
  local samples, now = self.samples, filo.now()
  samples[#samples + 1] = { at = now, done = done }
  while #samples > 2 and samples[2].at < now - WINDOW_SECONDS do table.remove(samples, 1) end
  local first = samples[1]
  return now > first.at and (done - first.done) / (now - first.at) or 0
end

local function bar(part)
  local full = math.floor(part * BAR)
  return "[" .. ("#"):rep(full) .. ("."):rep(BAR - full) .. "]"
end

---The label, cut where it leaves no room for the rest.
local function write_line(label, rest)
  local room = WIDTH - #rest - 2
  if utf8.len(label) > room then label = label:sub(1, (utf8.offset(label, math.max(1, room - 2)) or 1) - 1) .. "..." end
  io.stderr:write("\r\27[K", label, "  ", rest)
end

---@param label string
---@param done integer
---@param total integer  of what is counted; 0: that is not known
---@param what string  that is
function Progress:count(label, done, total, what)
  if not self.shown then return end
  local part = total > 0 and done / total or 0
  write_line(label, total > 0 and ("%s %d %%  %d of %d %s"):format(bar(part), done * 100 // total, done, total, what) or "")
end

---@param label string
---@param done number  bytes
---@param total? number  bytes
function Progress:show(label, done, total)
  if not self.shown then return end
  local rate = rate_of(self, done)
  local parts = { ("%s of %s"):format(format.bytes(done), total and format.bytes(total) or "?"), format.bytes(rate) .. "/s" }
  if total and total > 0 then table.insert(parts, 1, ("%s %d %%"):format(bar(math.min(1, done / total)), done * 100 // total)) end
  if total and rate > 0 then parts[#parts + 1] = format.clock((total - done) / rate) .. " left" end
  write_line(label, table.concat(parts, "  "))
end

---Takes the line away, before something else is printed.
function Progress:clear()
  if self.shown then io.stderr:write "\r\27[K" end
end

Progress.__close = Progress.clear

return new
