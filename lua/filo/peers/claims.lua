---Claims: that a node writes a namespace, which it proves to each peer with the namespace's key. A peer takes new versions of what it
---writes itself from nobody else, and has copies checked, listed and removed for nobody else.

local errors = require "filo.base.errors"

local claims = {}

---What only who has the key can sign, and only on this connection and from this side.
local function signed_text(binding, dialler) return "filo claim v2 " .. (dialler and "dialler" or "listener") .. binding end

---@param keys filo.Keys[]  to the namespaces that this node writes
---@return {namespace: string, signature: string}[]
function claims.make(connection, keys)
  local list = {}
  for i, each in ipairs(keys) do
    local signature = assert(each:sign(signed_text(connection:binding(), connection:is_dialler())))
    list[i] = { namespace = each:raw_id(), signature = signature }
  end
  return list
end

---The namespaces, as raw IDs, that the other side of a connection so proves to write; nil and an error of a false proof.
---@return table<string, true>?, filo.Error?
function claims.check(host, connection, list)
  local text = signed_text(connection:binding(), not connection:is_dialler())
  local proved = {}
  for _, claim in ipairs(list) do
    if not host.crypto.verify(claim.namespace, text, claim.signature) then
      return errors.fail("protocol", "it did not prove that it writes a namespace of which it says so")
    end
    proved[claim.namespace] = true
  end
  return proved
end

return claims
