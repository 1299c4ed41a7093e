---Packing: deletions are kept for good, and each takes a block of the disk as a file. Those that have lain here for a day become rows of a
---database (core/store/packed.c).

---Deletions that are packed with one flush, for which who stores waits.
local BATCH = 256

---@class filo.Packing
local Packing = {}
Packing.__index = Packing

---@param next_row fun(): filo.CatalogueRow?
---@param latest integer  those that were verified later stay files: at first that is when they came
---@return string[] paths, boolean more
local function next_paths(self, next_row, latest)
  local paths = {}
  for row in next_row do
    if not row.id then return paths, false end -- the catalogue cannot be used
    if not row.problem and row.verified <= latest then paths[#paths + 1] = row.path or self.names:path(row.key_hash) end
    if #paths == BATCH then return paths, true end
  end
  return paths, false
end

local function tell(self, err) self.host.log("warning", "deletions could not be packed: " .. tostring(err)) end

local function pack(self, namespace)
  local host = self.host
  local next_row = self.catalogue:tombstones(namespace)
  local latest = host.time() // 1000000 - host.limits.pack_after
  local paths, more, ok, err
  repeat
    local before = host.now()
    paths, more = next_paths(self, next_row, latest)
    ok, err = self.disk:pack(namespace, paths)
    host.sleep((host.now() - before) * host.limits.walk_share)
  until not more or not ok
  if not ok then tell(self, err) end
end

---Looks once at what lies here of all namespaces.
function Packing:run()
  for _, usage in ipairs((self.catalogue:usage())) do
    if usage.deleted > 0 then pack(self, usage.namespace) end
  end
end

---@param given {host: filo.Host, disk: table, catalogue: filo.Catalogue, names: filo.Names, tasks: filo.Tasks,
---  namespace: string}
---@return filo.Packing
return function(given)
  local self = setmetatable(given, Packing)
  local host = given.host
  given.tasks:spawn(function()
    local ok, err = given.disk:pack(given.namespace, {}) -- whether they can be
    if not ok then tell(self, err) end
    host.sleep(host.limits.pack_first)
    while true do
      self:run()
      host.sleep(host.limits.pack)
    end
  end)
  return self
end
