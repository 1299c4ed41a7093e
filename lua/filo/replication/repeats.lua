---Who lists objects lists each version once. One that goes on for ever with the same is found out, as long as these are not too many to be
---kept in mind.

---So many are kept in mind at a time.
local MOST = 16384

---@class filo.Repeats
---@field listed table<string, string>  version and nonce by key hash
---@field count integer
local Repeats = {}
Repeats.__index = Repeats

---@return filo.Repeats
local function new() return setmetatable({ listed = {}, count = 0 }, Repeats) end

---Notes what was listed. True when that version, or a newer one, was listed before.
---@param fields filo.core.Fields
---@return boolean
function Repeats:note(fields)
  local version = (">I8"):pack(fields.version) .. fields.nonce
  local known = self.listed[fields.key_hash]
  if known and version <= known then return true end
  if self.count == MOST then self.listed, self.count = {}, 0 end
  if not self.listed[fields.key_hash] then self.count = self.count + 1 end
  self.listed[fields.key_hash] = version
  return false
end

return new
