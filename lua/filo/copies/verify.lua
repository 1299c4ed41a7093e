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

---A peer found a copy bad: it is checked beside, once at a time for each, and a few at a time.
function Verifier:suspect(namespace, path)
  local name = namespace .. path
  if self.suspected[name] or self.count >= self.host.limits.checks then return end
  self.suspected[name], self.count = true, self.count + 1
  self.tasks:spawn(function()
    local _ <close> = at_end(function() self.suspected[name], self.count = nil, self.count - 1 end)
    self:check(namespace, path)
  end)
end

return new
