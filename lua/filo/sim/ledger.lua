---What was promised: each object that a node was asked to store or to delete, what came of it, and so what may be read from then on.
---
---Of the operations on one object those count that may be the last to have taken effect: the last one that was acknowledged, and all that
---began after it and were cut off, or failed.

local core_store = require "filo.core.store"

---@class filo.sim.Entry  an object
---@field owner filo.sim.Machine
---@field key string
---@field subject string  for people
---@field namespace string
---@field path string  where it lies at every node
---@field operations filo.sim.Operation[]  those that count, in order
---@field count integer  operations so far
---@field excuse? string  why what is read may be something older: the name of what that waits for. Until the next acknowledged operation

---@class filo.sim.Operation
---@field number integer
---@field kind "put"|"delete"
---@field acknowledged? boolean
---@field version? integer
---@field size? integer

---@class filo.sim.Ledger
---@field entries filo.sim.Entry[]
local Ledger = {}
Ledger.__index = Ledger

---What no byte on a wire may contain.
local SECRET = "in clear:"

local function new() return setmetatable({ entries = {}, of_machine = {}, of_place = {} }, Ledger) end

local function place_of(keys, key) return assert(core_store.cas_path("sha1", 2, 1, keys:key_hash(key))) end

---The object of a machine with this key.
---@param machine filo.sim.Machine
---@param key string
---@return filo.sim.Entry
function Ledger:entry(machine, key)
  local mine = self.of_machine[machine.index] or {}
  self.of_machine[machine.index] = mine
  if mine[key] then return mine[key] end
  local keys = machine.disk.identities["/identity"]:namespace()
  local entry = {
    owner = machine, key = key, subject = machine.name .. ":" .. key, namespace = keys.raw, path = place_of(keys, key),
    operations = {}, count = 0,
  }
  mine[key] = entry
  self.entries[#self.entries + 1] = entry
  self.of_place[entry.namespace .. entry.path] = entry
  return entry
end

---The object that lies at a place.
---@return filo.sim.Entry?
function Ledger:at(namespace, path) return self.of_place[namespace .. path] end

---@param kind "put"|"delete"
---@param size? integer
---@return filo.sim.Operation
function Ledger:begin(entry, kind, size) -- luacheck: no self
  entry.count = entry.count + 1
  local operation = { number = entry.count, kind = kind, size = size }
  table.insert(entry.operations, operation)
  return operation
end

---It was acknowledged: what was before it does not count any more.
---@param excuse? string  what keeps it from counting, and waits for something that is still to come
function Ledger:acknowledge(entry, operation, version, excuse) -- luacheck: no self
  operation.acknowledged, operation.version, entry.excuse = true, version, excuse
  while entry.operations[1] ~= operation do table.remove(entry.operations, 1) end
end

---The content of an operation: it tells which one it was of, and does not repeat.
---@return string
function Ledger:content(entry, operation) -- luacheck: no self
  local head = ("%s %s %d %d "):format(SECRET, entry.subject, operation.number, operation.size)
  return (head .. head:rep((operation.size // #head) + 1)):sub(1, math.max(#head, operation.size))
end

---Which operation's content this is; nil: no one's.
---@return integer?
function Ledger:number_of(entry, content)
  local subject, number, size = content:match("^" .. SECRET .. " (%S+) (%d+) (%d+) ")
  if subject ~= entry.subject then return nil end
  local operation = { number = math.tointeger(number), size = math.tointeger(size) }
  return content == self:content(entry, operation) and operation.number or nil
end

---Whether reading an object may give what it gave. number: whose content; nil: there is none, or it was deleted.
---@return true?, string? problem
function Ledger:judge(entry, number) -- luacheck: no self
  local first = entry.operations[1]
  if not number and not (first and first.acknowledged) then return true end
  for _, operation in ipairs(entry.operations) do
    if operation.kind == "put" and operation.number == number or operation.kind == "delete" and not number then return true end
  end
  if not number then return nil, "lost" end
  if first and first.acknowledged and first.kind == "delete" then return nil, "back" end
  return nil, "old"
end

---A delete found nothing: it is as if it had not been.
function Ledger:withdraw(entry) table.remove(entry.operations) end -- luacheck: no self

Ledger.SECRET = SECRET

return { new = new, SECRET = SECRET }
