---Vouching: a node that has shown another that its copy is good keeps it for a while, as far as it decides that itself, since the other may
---be about to drop its own; and who is about to drop its own vouches for it to nobody. So of two nodes none drops its copy relying on
---that of the other.

local at_end = require "filo.host.at_end"

---@class filo.Vouching
---@field going table<string, integer>  by namespace and key hash: how many are about to drop the copy here
---@field proving table<string, integer>  by the same: to how many it is being shown that the copy here is good
---@field vouched table<string, string|true>  by the same: to whom (true: to several), since `since`
---@field before table<string, string|true>  in the while before that
---@field count integer  of `vouched`
local Vouching = {}
Vouching.__index = Vouching

---Of more in one while, all copies count as vouched for.
local MOST = 65536

local function turn(self)
  local now, span = self.host.now(), self.host.limits.vouched
  if now - self.since < span then return end
  local is_next = now - self.since < 2 * span
  self.before = is_next and self.vouched or {}
  self.all_before = is_next and self.count > MOST
  self.vouched, self.count, self.since = {}, 0, now
end

---Counts one more in a table, until what this gives is closed.
local function hold(counts, name)
  counts[name] = (counts[name] or 0) + 1
  return at_end(function() counts[name] = counts[name] > 1 and counts[name] - 1 or nil end)
end

---Somebody is to be shown that the copy here is good: it stays until what this gives is closed. nil: it may go.
function Vouching:begin(namespace, key_hash)
  local name = namespace .. key_hash
  return not self.going[name] and hold(self.proving, name) or nil
end

---He was: it stays for a while.
---@param id string
function Vouching:vouch(namespace, key_hash, id)
  turn(self)
  local name = namespace .. key_hash
  local known = self.vouched[name]
  if not known then self.count = self.count + 1 end
  if known or self.count <= MOST then self.vouched[name] = (not known or known == id) and id or true end
end

---Whether somebody was shown that not long ago, or is being shown it.
---@param except? string  ID of one who does not count
---@return boolean
function Vouching:has_vouched(namespace, key_hash, except)
  turn(self)
  local name = namespace .. key_hash
  local function counts(whom) return whom ~= nil and whom ~= except end
  return counts(self.vouched[name]) or counts(self.before[name]) or self.proving[name] ~= nil or self.all_before or self.count > MOST
end

---The copy here is about to go, until what this gives is closed.
function Vouching:go(namespace, key_hash) return hold(self.going, namespace .. key_hash) end

---@param host filo.Host
---@return filo.Vouching
return function(host)
  return setmetatable({
    host = host, going = {}, proving = {}, vouched = {}, before = {}, all_before = false, count = 0, since = host.now(),
  }, Vouching)
end
