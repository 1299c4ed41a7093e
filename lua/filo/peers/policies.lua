---What who writes a namespace wants of its copies: the spec of its policy, signed with the namespace's key, so that any holder can look
---after copies while their owner is away. Passed on among members and kept with the roster. Of a policy that is made of a script's own
---functions there is no spec: then `none` is said, and only who writes the namespace looks after its copies.

local signed = require "filo.peers.signed"
local sorted_keys = require "filo.base.sorted_keys"

---@class filo.Wish
---@field given filo.Signed
---@field number integer  the largest counts
---@field spec? table  nil: it is nobody else's to carry out
---@field node string  raw ID of the node on which that was said

---@class filo.Policies
---@field wishes table<string, filo.Wish>  by the namespace, 64 hex digits
---@field news table<string, true>
---@field told? string  what this node said last that it wants of its own
local Policies = {}
Policies.__index = Policies

---So many namespaces are known.
local MOST = 256

local function use(self, namespace, given, fields)
  local spec = fields.spec
  self.wishes[namespace] = { given = given, number = fields.number, spec = spec ~= "none" and spec or nil, node = fields.node }
end

---Makes room for one more: of a namespace that this node does not write the first that comes goes, as whoever makes namespaces as he likes
---could else keep out all others. There is always room for this node's own.
---@param namespace string
---@return boolean
function Policies:make_room(namespace)
  local names = sorted_keys(self.wishes)
  if #names < MOST then return true end
  local at = self.host.random(2)
  local first = (at:byte(1) << 8 | at:byte(2)) % #names
  for i = 0, #names - 1 do
    local name = names[(first + i) % #names + 1]
    if not self.writes(name) then
      self.wishes[name], self.news[name] = nil, nil
      return true
    end
  end
  return self.writes(namespace)
end

---Takes what somebody passes on, if it is newer than what is known.
---@param given filo.Signed
---@return boolean? taken, filo.Error?
function Policies:take(given)
  local fields, err = signed.read(self.host, "policy", given)
  if not fields then return nil, err end
  local namespace = self.host.crypto.hex(fields.namespace)
  local known = self.wishes[namespace]
  local newer = not known or fields.number > known.number or fields.number == known.number and given.text > known.given.text
  if not newer or not known and not self:make_room(namespace) then return false end
  use(self, namespace, given, fields)
  self.news[namespace] = true
  self.changed(namespace)
  return true
end

---What the writers of a namespace want.
---@param namespace string  64 hex digits
---@return filo.Wish?
function Policies:of(namespace) return self.wishes[namespace] end

---The number of what is said by default: whatever somebody has chosen counts more.
local BY_DEFAULT = 1

---Says what is wanted of a namespace that this node writes, unless that is said already.
---@param keys filo.Keys
---@param spec? table
---@param by_default? boolean  nobody has chosen it: it is said only where nothing was said
function Policies:publish(keys, spec, by_default)
  local known = self.wishes[keys:id()]
  local encode = self.host.encode
  if known and (by_default or encode(known.spec or "none") == encode(spec or "none")) then return end
  local number = by_default and BY_DEFAULT or math.max(BY_DEFAULT, known and known.number or 0) + 1
  local taken, err = self:take(signed.make(self.host, "policy", {
    namespace = keys:raw_id(), number = number, spec = spec or "none", node = self.raw_id, time = self.host.time() // 1000000,
  }, keys))
  if not taken then self.host.log("error", "what is wanted of copies cannot be said to members: " .. tostring(err)) end
end

local KNOWN = ">c32I8" -- namespace, number

---What is known, for others.
---@return string
function Policies:known()
  local parts = {}
  for i, namespace in ipairs(sorted_keys(self.wishes)) do
    parts[i] = KNOWN:pack(self.host.crypto.unhex(namespace), self.wishes[namespace].number)
  end
  return table.concat(parts)
end

---What is newer than what somebody knows.
---@param known string
---@param most integer
---@return filo.Signed[]
function Policies:newer(known, most)
  local numbers, list = {}, {}
  for at = 1, #known, KNOWN:packsize() do
    local raw_id, number = KNOWN:unpack(known, at)
    numbers[self.host.crypto.hex(raw_id)] = number
  end
  for _, namespace in ipairs(sorted_keys(self.wishes)) do
    local wish = self.wishes[namespace]
    if wish.number > (numbers[namespace] or 0) and #list < most then list[#list + 1] = wish.given end
  end
  return list
end

---What is new since the last time that somebody asked.
---@param most integer
---@return filo.Signed[]
function Policies:take_news(most)
  local list = {}
  for _, namespace in ipairs(sorted_keys(self.news)) do
    if #list == most then break end
    self.news[namespace] = nil
    list[#list + 1] = self.wishes[namespace].given
  end
  return list
end

---All of them, as they are kept.
---@return filo.Signed[]
function Policies:list()
  local list = {}
  for i, namespace in ipairs(sorted_keys(self.wishes)) do list[i] = self.wishes[namespace].given end
  return list
end

---Takes what was kept. What makes no sense is left out.
---@param list any
---@param told any
function Policies:restore(list, told)
  self.told = type(told) == "string" and told or nil
  for _, given in ipairs(type(list) == "table" and list or {}) do
    local is_one = type(given) == "table" and type(given.text) == "string" and type(given.signature) == "string"
    local fields = is_one and signed.read(self.host, "policy", given)
    if fields then use(self, self.host.crypto.hex(fields.namespace), given, fields) end
  end
end

---@param given {host: filo.Host, raw_id: string, changed: fun(namespace: string), writes: fun(namespace: string): boolean}
---  changed: another policy is wanted of a namespace; writes: whether this node writes it
---@return filo.Policies
return function(given)
  return setmetatable({
    host = given.host, raw_id = given.raw_id, changed = given.changed, writes = given.writes, wishes = {}, news = {},
  }, Policies)
end
