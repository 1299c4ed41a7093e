---Claims: that a node writes a namespace, which it proves to each peer with the namespace's key. A peer takes new versions of what it
---writes itself from nobody else, and has copies checked, listed and removed for nobody else.

local errors = require "filo.base.errors"
local protocol = require "filo.peers.protocol"

local claims = {}

---What only who has the key can sign, and only on this connection and from this side.
local function signed_text(binding, dialler) return "filo claim v2 " .. (dialler and "dialler" or "listener") .. binding end

---As many as a message may have.
---@param keys filo.Keys[]  to the namespaces that this node writes
---@param from integer  the first of them
---@return {namespace: string, signature: string}[]
function claims.make(connection, keys, from)
  local list = {}
  for i = from, math.min(from + protocol.MOST_CLAIMS - 1, #keys) do
    local signature = assert(keys[i]:sign(signed_text(connection:binding(), connection:is_dialler())))
    list[#list + 1] = { namespace = keys[i]:raw_id(), signature = signature }
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

---So many namespaces of one peer are kept in mind.
local MOST = 1024

---Adds namespaces to those that a peer has proved to write.
---@param known table<string, true>
---@param proved table<string, true>
---@return true?, filo.Error?
function claims.add(known, proved)
  local count = 0
  for _ in pairs(known) do count = count + 1 end
  for namespace in pairs(proved) do count = count + (known[namespace] and 0 or 1) end
  if count > MOST then return errors.fail("too_large", ("only %d namespaces of one node are kept in mind"):format(MOST)) end
  for namespace in pairs(proved) do known[namespace] = true end
  return true
end

return claims
