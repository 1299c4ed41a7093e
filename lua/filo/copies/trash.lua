---The trash: copies that are not wanted here any more, for some hours, so that they can be brought back. No copy counts because it lies
---there; when something else needs the room, the oldest go first.

local chunks = require "filo.copies.chunks"
local errors = require "filo.base.errors"

---@class filo.TrashOption
---@field hours number
---@field deletes boolean  what the node's own users delete goes there, too

---@class filo.Trash
local Trash = {}
Trash.__index = Trash

---@param given {host: filo.Host, disk: table, tasks: filo.Tasks, option: (fun(): filo.TrashOption|false),
---  written: fun(): string[]}  written: the namespaces that this node writes, raw
---@return filo.Trash
local function new(given)
  given.kept = {}
  return setmetatable(given, Trash)
end

---Whether what is dropped here goes there.
---@return boolean
function Trash:keeps() return self.option() ~= false end

---Whether what is deleted does.
---@return boolean
function Trash:keeps_deleted()
  local option = self.option()
  return option and option.deletes or false
end

---Those go whose time is over.
function Trash:sweep()
  local option = self.option()
  local ok, err = self.disk:sweep_old(option and math.ceil(option.hours * 3600) or 0)
  if not ok and err.code ~= "closed" then self.host.log("warning", "the trash cannot be looked at: " .. tostring(err)) end
end

---What the option says holds from now on, for all namespaces that are written by now.
function Trash:obey()
  local keeps = self:keeps_deleted()
  for _, namespace in ipairs(self.written()) do
    if keeps ~= (self.kept[namespace] or false) then
      local ok, err = self.disk:keep_deleted(namespace, keeps)
      if ok then self.kept[namespace] = keeps end
      if not ok and err.code ~= "closed" then self.host.log("warning", "what is deleted is not kept: " .. tostring(err)) end
    end
  end
  self.tasks:spawn(self.sweep, self)
end

local function is_newer(a, b)
  if a.version ~= b.version then return a.version > b.version end
  return a.time > b.time
end

---What there is of an object, the newest version first.
---@param namespace string
---@param key_hash string
---@return filo.core.Old[]?, filo.Error?
function Trash:of(namespace, key_hash)
  local list, err = self.disk:old_of("trash", namespace, key_hash)
  if not list then return nil, err end
  table.sort(list, is_newer)
  return list
end

---Whether one is of the very version of another.
local function is_same(a, b)
  return b ~= nil and a.version == b.version and a.key_hash == b.key_hash and a.namespace == b.namespace
end

---All that lies there, for a `for` loop, in an order that means nothing; a version that was dropped more than once, once. A failure is
---raised.
---@return fun(): filo.core.Old?
function Trash:each()
  local bucket, list, at = -1, {}, 0
  return function()
    repeat at = at + 1 until not list[at] or not is_same(list[at], list[at - 1])
    while not list[at] do
      bucket, at = bucket + 1, 1
      if bucket > 255 then return nil end
      local found, err = self.disk:old("trash", bucket)
      if not found then error(err, 0) end
      list = found
      table.sort(list, function(a, b)
        if a.key_hash ~= b.key_hash then return a.key_hash < b.key_hash end
        if a.namespace ~= b.namespace then return a.namespace < b.namespace end
        return is_newer(a, b)
      end)
    end
    return list[at]
  end
end

---One, opened, all of which was read just now and is good. It does not go before it is closed.
---@param old filo.core.Old
---@return filo.core.Object?, filo.Error?
function Trash:open(old)
  local object, err = self.disk:old_object(old)
  if not object then return nil, err end
  local fields, ok = object:fields(), true
  if fields.key_hash ~= old.key_hash or fields.version ~= old.version then
    ok, err = errors.fail("corrupt", "it is another version than its name says")
  end
  for chunk = 0, chunks.count(self.host, fields.size) - 1 do
    if ok then ok, err = object:verify_chunk(chunk) end
  end
  if ok then return object end
  object:close()
  return nil, errors.wrap(err, "the copy in the trash is bad")
end

---How many there are, and their bytes.
---@return integer, integer
function Trash:usage() return self.disk:old_usage "trash" end

return new
