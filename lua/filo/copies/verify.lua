---Checking copies that lie here, of any namespace.

local at_end = require "filo.host.at_end"
local chunks = require "filo.copies.chunks"
local errors = require "filo.base.errors"

---@class filo.Verifier
local Verifier = {}
Verifier.__index = Verifier

---@param given {host: filo.Host, disk: table, tasks: filo.Tasks, set_aside: filo.SetAside}
---@return filo.Verifier
local function new(given)
  return setmetatable({
    host = given.host, disk = given.disk, tasks = given.tasks, set_aside = given.set_aside, suspected = {}, count = 0,
    good = {}, good_before = {}, since = -math.huge,
  }, Verifier)
end

---Reads chunks of an object that was opened, if it was, and checks them; a bad one is set aside.
---@return true?, filo.Error?
local function check_chunks(self, namespace, path, object, err, first, count)
  local ok = object ~= nil
  for chunk = first, ok and math.min(count, chunks.count(self.host, object:fields().size) - first) + first - 1 or -1 do
    ok, err = object:verify_chunk(chunk)
    if not ok then break end
  end
  if ok then return true end
  if err.code == "corrupt" then self.set_aside(namespace, path, err, object) end
  return nil, err
end

---Checks all of a copy, as it is on the disk; a bad one is set aside.
---@return true?, filo.Error?
function Verifier:check(namespace, path)
  local object <close>, err = self.disk:object(namespace, path, true)
  local ok, problem = check_chunks(self, namespace, path, object, err, 0, math.maxinteger)
  if ok then object:mark_verified() end
  return ok, problem
end

---Checks `count` chunks of a version, from chunk `first` on, as they are on the disk; a bad copy is set aside.
---@return true?, filo.Error?  "not_found": another version is here, or none
function Verifier:check_part(namespace, path, version, first, count)
  local object <close>, err = self.disk:object(namespace, path, true)
  if object and object:fields().version ~= version then return errors.fail("not_found", "another version is here") end
  return check_chunks(self, namespace, path, object, err, first, count)
end

---Whether a copy was checked for a peer not long ago, and was good. `good` has those of the last while, by name, `good_before` those of
---the while before.
local function is_known_good(self, name)
  local now, recheck = self.host.now(), self.host.limits.recheck
  if now - self.since >= recheck then self.good, self.good_before, self.since = {}, self.good, now end
  local when = self.good[name] or self.good_before[name]
  return when and now - when < recheck
end

---Its owner found a copy bad: it is checked beside, one at a time for each owner, and a few at a time; not again for a while when it is
---good.
function Verifier:suspect(namespace, path)
  local name = namespace .. path
  if self.suspected[namespace] or self.count >= self.host.limits.checks or is_known_good(self, name) then return end
  self.suspected[namespace], self.count = true, self.count + 1
  self.tasks:spawn(function()
    local _ <close> = at_end(function() self.suspected[namespace], self.count = nil, self.count - 1 end)
    if self:check(namespace, path) then self.good[name] = self.host.now() end
  end)
end

return new
