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

---Reads chunks of an object that was opened, if it was, and checks them, each by `check`; a bad one is set aside. All of them: that is
---noted.
---@param check fun(chunk: integer): any, filo.Error?
---@param pause? fun(bytes: integer)  called after each chunk, of so many bytes
---@return true?, filo.Error?
local function check_chunks(self, namespace, path, object, err, first, count, check, pause)
  local ok = object ~= nil
  local all = ok and chunks.count(self.host, object:fields().size)
  for chunk = first, ok and math.min(count, all - first) + first - 1 or -1 do
    ok, err = check(chunk)
    if not ok then break end
    if pause then pause(chunks.bytes_of(self.host, object:fields().size, false, chunk, 1)) end
  end
  if ok and first == 0 and count >= all then object:mark_verified() end
  if ok then return true end
  if err.code == "corrupt" then self.set_aside(namespace, path, err, object) end
  return nil, err
end

---Checks all of a copy, as it is on the disk; a bad one is set aside.
---@param pause? fun(bytes: integer)  called after each chunk that was good
---@return true?, filo.Error?
function Verifier:check(namespace, path, pause)
  local object <close>, err = self.disk:object(namespace, path, true)
  local function check(chunk) return object:verify_chunk(chunk) end
  return check_chunks(self, namespace, path, object, err, 0, math.maxinteger, check, pause)
end

---Checks chunks of a version as they are on the disk, and answers a challenge with a hash of their bytes under its nonce: who has the same
---bytes knows by that that they were read. A bad copy is set aside.
---@param asked {namespace: string, version: integer, first: integer, count: integer, nonce: string}  count: chunks, from chunk `first` on
---@return string? hash
---@return filo.Error?  "not_found": another version is here, or none
function Verifier:prove(path, asked)
  local object <close>, err = self.disk:object(asked.namespace, path, true)
  if object and object:fields().version ~= asked.version then return errors.fail("not_found", "another version is here") end
  local hashes = {}
  local ok, problem = check_chunks(self, asked.namespace, path, object, err, asked.first, asked.count, function(chunk)
    local hash, why = object:prove_chunk(chunk, asked.nonce)
    hashes[#hashes + 1] = hash
    return hash, why
  end)
  if not ok then return nil, problem end
  return self.host.crypto.digest("sha256", asked.nonce .. table.concat(hashes))
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
