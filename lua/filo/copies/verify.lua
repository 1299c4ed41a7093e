---Copies that lie here, of any namespace: checking one, and setting a bad one aside.

local at_end = require "filo.host.at_end"
local chunks = require "filo.copies.chunks"
local errors = require "filo.base.errors"

---@class filo.Verifier
local Verifier = {}
Verifier.__index = Verifier

---@param given {host: filo.Host, disk: table, hooks: filo.Hooks, tasks: filo.Tasks}
---@return filo.Verifier
local function new(given)
  return setmetatable({
    host = given.host, disk = given.disk, hooks = given.hooks, tasks = given.tasks, suspected = {}, count = 0,
  }, Verifier)
end

---Sets a bad copy aside and says so. With `object`, only the very file that it has open: a newer version may have come.
function Verifier:set_aside(namespace, path, err, object)
  local moved
  if object then moved = object:set_aside(path) else moved = self.disk:set_aside(namespace, path) end
  self.host.log("error", ("a copy here is bad%s: %s"):format(moved and " and was set aside" or "", tostring(err)))
  self.hooks:announce("corrupt", { namespace = namespace, path = path }, nil, err)
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
  if err.code == "corrupt" then self:set_aside(namespace, path, err, object) end
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
