---Capabilities that `filo share` gave, as keys to objects over HTTP: `Authorization: Bearer CAPABILITY` (RFC 6750). Only those of the
---newest keys open anything: as elsewhere, `filo rotate` ends those before.

local crypto = require "filo.core.crypto"
local inside = require "filo.base.inside"

---@return boolean
local function is_same(text, other) return crypto.equal(crypto.digest("sha256", text), crypto.digest("sha256", other)) end

---@param node filo.Node
---@param request filo.http.Request
---@param name string  of an object, or the prefix of a list
---@return filo.HttpKey?  nil: it has none that opens that
return function(node, request, name)
  local text = (request.headers.authorization or ""):match "^[Bb]earer +(%S+)$"
  if not text then return nil end
  local parts = inside.of(node)
  local found
  for _, access in ipairs { "read-one", "read", "write" } do -- each is compared, whichever it is
    local one = access == "read-one"
    local own = (name ~= "" or not one) and parts.keys:grant(access, parts.generation.number, one and name or nil)
    if own and is_same(own, text) then
      found = { id = access, secret = "", access = access == "write" and "write" or "read", prefix = one and name or "", time = 0 }
    end
  end
  return found
end
