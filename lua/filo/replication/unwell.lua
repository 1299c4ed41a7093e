---Unwell: objects that are to be looked at again before all are, since copies of them are missing, or too many, or somebody could not tell.

---@class filo.Unwell
---@field list {namespace: string, key_hash: string}[]
---@field known table<string, true>  by namespace and key hash
---@field over boolean  there are more than are remembered: then all are to be looked at
local Unwell = {}
Unwell.__index = Unwell

---So many are remembered.
local MOST = 65536

---@param namespace string
---@param key_hash string
function Unwell:add(namespace, key_hash)
  local name = namespace .. key_hash
  if self.known[name] then return end
  if #self.list == MOST then
    self.over = true
    return
  end
  self.known[name] = true
  self.list[#self.list + 1] = { namespace = namespace, key_hash = key_hash }
end

---All of them, which are forgotten by that: in the order of their namespaces.
---@return {namespace: string, key_hash: string}[]
function Unwell:take()
  local list = self.list
  self.list, self.known, self.over = {}, {}, false
  table.sort(list, function(a, b)
    if a.namespace ~= b.namespace then return a.namespace < b.namespace end
    return a.key_hash < b.key_hash
  end)
  return list
end

---@return filo.Unwell
return function() return setmetatable({ list = {}, known = {}, over = false }, Unwell) end
