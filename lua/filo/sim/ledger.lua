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
---@field groups filo.sim.Group[]  in what it lies: of each group so many parts are needed
---@field operations filo.sim.Operation[]  those that count, in order
---@field count integer  operations so far
---@field lost? number  when nobody had a good copy any more, as far as somebody looked
---@field excuse? string  why what is read may be something older: the name of what that waits for. Until the next acknowledged operation

---@class filo.sim.Group
---@field needed integer
---@field parts filo.sim.StoredPart[]

---@class filo.sim.StoredPart  an object of the node's: as a rule the one itself, and the only one
---@field key string
---@field path string  where it lies at every node
---@field version? integer  which was acknowledged

---@class filo.sim.Operation
---@field number integer
---@field kind "put"|"delete"
---@field acknowledged? boolean
---@field size? integer

---@class filo.sim.Ledger
---@field entries filo.sim.Entry[]
local Ledger = {}
Ledger.__index = Ledger

---What no byte on a wire may contain.
local SECRET = "in clear:"

local function new() return setmetatable({ entries = {}, of_machine = {}, of_place = {} }, Ledger) end

local function place_of(keys, key) return assert(core_store.cas_path("sha1", 2, 1, keys:key_hash(key))) end

---What a store or delete gave: a receipt; or, of an object in parts, a list of receipts, or of lists of these with `needed`, how many of
---them are enough.
---@return filo.sim.Group[]
local function groups_of(keys, given)
  local function part(receipt) return { key = receipt.key, path = place_of(keys, receipt.key), version = receipt.version } end
  if given.version then return { { needed = 1, parts = { part(given) } } } end
  local groups = {}
  for i, each in ipairs(given) do
    local list = each.version and { each } or each
    groups[i] = { needed = each.needed or #list, parts = {} }
    for j, receipt in ipairs(list) do groups[i].parts[j] = part(receipt) end
  end
  return groups
end

---All parts of an object, in order.
---@param entry filo.sim.Entry
---@return filo.sim.StoredPart[]
local function parts_of(entry)
  local list = {}
  for _, group in ipairs(entry.groups) do table.move(group.parts, 1, #group.parts, #list + 1, list) end
  return list
end

---From now on an object lies there.
local function settle(self, entry, groups)
  for _, part in ipairs(entry.groups and parts_of(entry) or {}) do self.of_place[entry.namespace .. part.path] = nil end
  entry.groups = groups
  for _, group in ipairs(groups) do
    for _, part in ipairs(group.parts) do self.of_place[entry.namespace .. part.path] = { entry = entry, group = group, part = part } end
  end
end

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
    owner = machine, key = key, subject = machine.name .. ":" .. key, namespace = keys.raw, keys = keys, operations = {}, count = 0,
  }
  mine[key] = entry
  self.entries[#self.entries + 1] = entry
  settle(self, entry, { { needed = 1, parts = { { key = key, path = place_of(keys, key) } } } })
  return entry
end

---The object that lies at a place, or has a part there.
---@return filo.sim.Entry?, filo.sim.Group?, filo.sim.StoredPart?
function Ledger:at(namespace, path)
  local found = self.of_place[namespace .. path]
  if found then return found.entry, found.group, found.part end
end

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
---@param receipt filo.Receipt|table  what the store or delete gave
---@param is_behind fun(part: filo.sim.StoredPart): boolean  whether something lies there that counts above it
function Ledger:acknowledge(entry, operation, receipt, is_behind)
  settle(self, entry, groups_of(entry.keys, receipt))
  operation.acknowledged, entry.excuse = true, nil
  for _, part in ipairs(parts_of(entry)) do
    if is_behind(part) then entry.excuse = "recover" end
  end
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

return { new = new, SECRET = SECRET, parts = parts_of }
