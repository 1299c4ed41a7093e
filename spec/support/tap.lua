---Somebody on the line: passes on what goes between a node and who dials it, and sees all of it.
---
---    local tap <close> = new_tap(b.address)          -- a has tap.address in `bootstrap`
---    tap:seen "bulk"                                 -- what has gone over bulk lines so far, both ways
---    tap.alter = function(kind, bytes, before) ... end   -- what is passed on instead of bytes, which come after so many; nil: cuts

local filo = require "filo"

local Tap = {}
Tap.__index = Tap

local PIECE = 64 * 1024

---Passes one direction on until it ends, or is cut.
local function pass(self, line, from, to)
  while true do
    local bytes = from:read(PIECE)
    line.kind = line.kind or (bytes and bytes:sub(1, 7) == "filo/b\r" and "bulk" or "tls")
    local before = self.counts[line.kind]
    if bytes then
      table.insert(self.pieces[line.kind], bytes)
      self.counts[line.kind] = before + #bytes
      bytes = self.alter(line.kind, bytes, before)
    end
    if not bytes or not to:write(bytes) then break end
  end
  from:close()
  to:close()
end

local function serve(self, near)
  local far <close> = assert(filo.dial(self.to))
  local _ <close> = near
  local line = {}
  local first = filo.spawn(pass, self, line, near, far)
  while not line.kind and first:status() ~= "ended" do filo.sleep(0.001) end -- who dials speaks first
  if line.kind then pass(self, line, far, near) end
  first:join()
end

---@param to string  address
---@return table  with `address`
local function new(to)
  local self = setmetatable({
    to = to, listener = assert(filo.listen "127.0.0.1:0"), pieces = { bulk = {}, tls = {} }, counts = { bulk = 0, tls = 0 }, lines = 0,
    alter = function(_, bytes) return bytes end,
  }, Tap)
  self.address = self.listener:address()
  self.task = filo.spawn(function()
    while true do
      local near = self.listener:accept()
      if not near then return end
      self.lines = self.lines + 1
      filo.spawn(serve, self, near)
    end
  end)
  return self
end

---@param kind "bulk"|"tls"
---@return string
function Tap:seen(kind) return table.concat(self.pieces[kind]) end

function Tap:close()
  self.listener:close()
  self.task:cancel()
end

Tap.__close = Tap.close

return new
