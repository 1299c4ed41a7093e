---What a simulated catalogue knows of who holds what lies there, too: the methods of filo.core.Catalogue that are about marks and prints.
---Prints are of lists of marks, not of sums, since there are few.

local crypto = require "filo.core.crypto"
local sorted_keys = require "filo.base.sorted_keys"

local MARK, PRINT, LEAVES, ALL_LEAVES = 16, 8, 64, 16384

local Beliefs = {}

---Marks that were asked for, by all simulated nodes: the same are again and again.
Beliefs.remembered, Beliefs.count = {}, 0

local MOST = 10000

function Beliefs:mark(namespace, key_hash, version) -- luacheck: no self
  local name = namespace .. key_hash .. (">I8"):pack(version)
  local mark = Beliefs.remembered[name]
  if mark then return mark end
  if Beliefs.count == MOST then Beliefs.remembered, Beliefs.count = {}, 0 end
  mark = crypto.digest("sha256", name):sub(1, MARK)
  Beliefs.remembered[name], Beliefs.count = mark, Beliefs.count + 1
  return mark
end

local function mark_of(self, file)
  file.mark = file.mark or self:mark(file.fields.namespace, file.fields.key_hash, file.fields.version)
  return file.mark
end

---Who holds each version that lies there, by its mark. Of what has gone since this was asked last, nothing is known any more.
---@return table<string, table<string, true>>
local function here(self)
  local disk = self.store.disk
  if self.here_changes == disk.changes then return self.here end
  local known, now, places = self.here or {}, {}, {}
  for _, each in ipairs(disk:list()) do
    local file = disk:file(each.namespace, each.path)
    local mark = not file.unreadable and mark_of(self, file)
    if mark then now[mark], places[mark] = known[mark] or {}, each end
  end
  self.here, self.here_changes, self.sets, self.places, self.in_order = now, disk.changes, {}, places, sorted_keys(now)
  return now
end

---Marks of what lies there and a node is known to hold, in order.
---@return string[]
local function set_of(self, node)
  local known = here(self)
  if not self.sets[node] then
    local list = {}
    for _, mark in ipairs(self.in_order) do
      if known[mark][node] then list[#list + 1] = mark end
    end
    self.sets[node] = list
  end
  return self.sets[node]
end

local function each_mark(marks)
  local at = 1 - MARK
  return function()
    at = at + MARK
    if at < #marks then return marks:sub(at, at + MARK - 1) end
  end
end

function Beliefs:believe(node, marks, has)
  self.store:pause()
  local problem = self.store:read_problem()
  if problem then return nil, problem end
  local known, absent = here(self), {}
  for mark in each_mark(marks) do
    if known[mark] then known[mark][node] = has or nil else absent[#absent + 1] = mark end
  end
  self.sets[node] = nil
  return table.concat(absent)
end

function Beliefs:believed(node, marks)
  self.store:pause()
  local problem = self.store:read_problem()
  if problem then return nil, problem end
  local known, told = here(self), {}
  for mark in each_mark(marks) do told[#told + 1] = known[mark] ~= nil and known[mark][node] == true end
  return told
end

local function print_of(salt, list) return crypto.digest("sha256", salt .. table.concat(list)):sub(1, PRINT) end

function Beliefs:print(node, salt)
  self.store:pause()
  local problem = self.store:read_problem()
  if problem then return nil, problem end
  local list = set_of(self, node)
  return print_of(salt, list), #list
end

local function bucket_of(mark) return mark:byte() end

local function leaf_of(mark) return mark:byte() * LEAVES + (mark:byte(2) >> 2) end

---Prints of those that have one of some numbers, one for each number.
local function prints_of(list, salt, number_of, first, last)
  local parts, prints = {}, {}
  for number = first, last do parts[number] = {} end
  for _, mark in ipairs(list) do table.insert(parts[number_of(mark)] or {}, mark) end
  for number = first, last do prints[#prints + 1] = print_of(salt, parts[number]) end
  return table.concat(prints)
end

function Beliefs:prints(node, salt, buckets)
  self.store:pause()
  local problem = self.store:read_problem()
  if problem then return nil, problem end
  local list = set_of(self, node)
  if not buckets then return prints_of(list, salt, bucket_of, 0, 255) end
  local prints = {}
  for i = 1, #buckets do
    local first = buckets:byte(i) * LEAVES
    prints[i] = prints_of(list, salt, leaf_of, first, first + LEAVES - 1)
  end
  return table.concat(prints)
end

---@return string[]
local function list_marks(self, node, leaves)
  local list = {}
  for _, mark in ipairs(set_of(self, node)) do
    local leaf, wanted = leaf_of(mark), false
    for at = 1, #leaves, 4 do
      local first, last = (">I2I2"):unpack(leaves, at)
      wanted = wanted or leaf >= first and leaf <= last
    end
    if wanted then list[#list + 1] = mark end
  end
  return list
end

function Beliefs:marks(node, leaves)
  self.store:pause()
  local problem = self.store:read_problem()
  if problem then return nil, problem end
  return table.concat(list_marks(self, node, leaves)), ALL_LEAVES
end

function Beliefs:marked(mark)
  self.store:pause()
  here(self)
  local place = self.places[mark]
  return place and self:at(place.namespace, place.path) or {}
end

function Beliefs:settle(node, leaves, marks)
  local problem = self.store:read_problem()
  if problem then return nil, problem end
  local mine, theirs, more = list_marks(self, node, leaves), {}, {}
  for mark in each_mark(marks) do theirs[mark] = true end
  for _, mark in ipairs(mine) do
    if not theirs[mark] then more[#more + 1] = mark end
  end
  local lacks, err = self:believe(node, marks, true)
  if not lacks then return nil, err end
  return lacks, table.concat(more), ALL_LEAVES
end

return Beliefs
