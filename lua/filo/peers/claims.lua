---Claims: that a node writes a namespace, which it proves to each peer with the namespace's key. A peer takes new versions of what it
---writes itself from nobody else, and has copies checked, listed and removed for nobody else.

local errors = require "filo.base.errors"
local protocol = require "filo.peers.protocol"

local claims = {}

---What only who has the key can sign, and only on this connection and from this side.
local function signed_text(binding, dialler, generation)
  return "filo claim v2 " .. (dialler and "dialler" or "listener") .. binding .. ("<I4"):pack(generation)
end

---As many as a message may have.
---@param keys filo.Keys[]  to the namespaces that this node writes
---@param from integer  the first of them
---@param generation_of fun(raw_id: string): integer  with which it writes one
---@return {namespace: string, generation: integer, signature: string}[]
function claims.make(connection, keys, from, generation_of)
  local list = {}
  for i = from, math.min(from + protocol.MOST_CLAIMS - 1, #keys) do
    local raw_id = keys[i]:raw_id()
    local generation = generation_of(raw_id)
    local signature = assert(keys[i]:sign(signed_text(connection:binding(), connection:is_dialler(), generation)))
    list[#list + 1] = { namespace = raw_id, generation = generation, signature = signature }
  end
  return list
end

---The namespaces, as raw IDs, that the other side of a connection so proves to write, and with which generation; nil and an error of a
---false proof.
---@return table<string, integer>?, filo.Error?
function claims.check(host, connection, list)
  local proved = {}
  for _, claim in ipairs(list) do
    local text = signed_text(connection:binding(), not connection:is_dialler(), claim.generation)
    if not host.crypto.verify(claim.namespace, text, claim.signature) then
      return errors.fail("protocol", "it did not prove that it writes a namespace of which it says so")
    end
    proved[claim.namespace] = claim.generation
  end
  return proved
end

---So many namespaces of one peer are kept in mind.
local MOST = 1024

---Adds namespaces to those that a peer has proved to write.
---@param known table<string, integer>
---@param proved table<string, integer>
---@return true?, filo.Error?
function claims.add(known, proved)
  local count = 0
  for _ in pairs(known) do count = count + 1 end
  for namespace in pairs(proved) do count = count + (known[namespace] and 0 or 1) end
  if count > MOST then return errors.fail("too_large", ("only %d namespaces of one node are kept in mind"):format(MOST)) end
  for namespace, generation in pairs(proved) do known[namespace] = math.max(generation, known[namespace] or 0) end
  return true
end

return claims
