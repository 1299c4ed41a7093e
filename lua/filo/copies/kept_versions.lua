---Versions that are kept here after others took their place: as many of each object as the policy of its namespace says. They are the files
---that lay there, and no copies: nobody looks after them, and they go when room is needed.

local new_locks = require "filo.host.lock"
local sorted_keys = require "filo.base.sorted_keys"

---@class filo.KeptVersions
---@field told table<string, string>  what the store was told to keep, by namespace
local KeptVersions = {}
KeptVersions.__index = KeptVersions

---@param given {host: filo.Host, disk: table, tasks: filo.Tasks, namespaces: (fun(): string[]), policy_of: fun(raw_id: string): table?}
---  namespaces: those of which it is known, or may be, what is wanted of their copies; policy_of: what is, completed
---@return filo.KeptVersions
local function new(given)
  given.told, given.turns = {}, new_locks(given.host)
  return setmetatable(given, KeptVersions)
end

local function tell(self, namespace)
  local policy = self.policy_of(namespace)
  local text = policy and policy.keeps or nil
  if self.told[namespace] == text then return end
  local ok, err = self.disk:keep_versions(namespace, text)
  if ok then self.told[namespace] = text end
  if not ok and err.code ~= "closed" then self.host.log("warning", "old versions are not kept: " .. tostring(err)) end
end

---What policies say holds from now on. Where nothing is said any more, nothing is added, and what there is stays.
function KeptVersions:obey()
  local _ <close> = self.turns:take "obey"
  for _, namespace in ipairs(self.namespaces()) do tell(self, namespace) end
  for _, namespace in ipairs(sorted_keys(self.told)) do tell(self, namespace) end
end

---The same, by and by.
function KeptVersions:obey_soon() self.tasks:spawn(self.obey, self) end

---Whether a new version leaves the one before it here.
---@param namespace string
---@param class integer
---@return boolean
function KeptVersions:keeps(namespace, class)
  local text = self.told[namespace]
  return text ~= nil and text:byte(class + 1) > 0
end

---What there is of an object, the newest first.
---@param namespace string
---@param key_hash string
---@return filo.core.Old[]?, filo.Error?
function KeptVersions:of(namespace, key_hash)
  local all, err = self.disk:old_of("versions", namespace, key_hash)
  if not all then return nil, err end
  table.sort(all, function(a, b) return a.version > b.version end)
  local list = {}
  for _, old in ipairs(all) do
    local last = list[#list]
    if not last or last.version ~= old.version then list[#list + 1] = old end
  end
  return list
end

---How many there are of each namespace, and their bytes.
---@return {namespace: string, objects: integer, bytes: integer}[]
function KeptVersions:usage() return self.disk:old_owners() or {} end

---The oldest of a namespace go, until so many bytes have.
---@param namespace string
---@param bytes integer
---@return integer gone
function KeptVersions:give_way(namespace, bytes) return self.disk:yield_versions(namespace, bytes) or 0 end

---All of a namespace go.
---@param namespace string
function KeptVersions:drop(namespace)
  repeat until self:give_way(namespace, math.maxinteger) == 0
end

return new
