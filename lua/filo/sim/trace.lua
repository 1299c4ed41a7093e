---What happened in a simulated world: lines for people, and a digest of all that was done, by which two runs are compared.

local crypto = require "filo.core.crypto"
local format = require "filo.base.format"
local runtime = require "filo.core.runtime"

---@class filo.sim.Trace
---@field lines? {at: number, text: string, subject: string?, machine: string?}[]  when they are kept
local Trace = {}
Trace.__index = Trace

---@param options {keep?: boolean, show?: fun(line: string)}
---@return filo.sim.Trace
local function new(options)
  return setmetatable({ hasher = assert(crypto.hasher "sha256"), lines = options.keep and {} or nil, show = options.show }, Trace)
end

---Hours, minutes and seconds of a simulated time.
---@param seconds number
---@return string
local function clock(seconds)
  local milliseconds = math.floor(seconds * 1000)
  return ("%d:%02d:%02d.%03d"):format(milliseconds // 3600000, milliseconds // 60000 % 60, milliseconds // 1000 % 60, milliseconds % 1000)
end

---Something to be told. subject: the object concerned, by its owner and key; machine: where it happened.
---@param machine string?
---@param subject string?
---@param text string
function Trace:tell(machine, subject, text)
  local now = runtime.now()
  self.hasher:update(string.pack("<dz", now, text))
  if not self.lines and not self.show then return end
  local line = format.printable(("%s  %-5s %s"):format(clock(now), machine or "", text))
  if self.lines then table.insert(self.lines, { text = line, subject = subject, machine = machine }) end
  if self.show then self.show(line) end
end

---Bytes that went from one machine to another.
function Trace:bytes(from, to, bytes)
  self.hasher:update(string.pack("<dI4I4", runtime.now(), from, to))
  self.hasher:update(bytes)
end

---What all that happened comes to.
---@return string  64 hex digits
function Trace:digest() return crypto.hex(assert(self.hasher:finish())) end

return { new = new, clock = clock }
