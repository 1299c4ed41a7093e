---Admission: who a peer proves to be, and whether it is let in.

local errors = require "filo.base.errors"
local protocol = require "filo.peers.protocol"

local admission = {}

---What only who knows the cluster secret can say, and only on this connection and from this side.
local function cluster_proof(host, cluster, binding, dialler)
  local side = dialler and "dialler" or "listener"
  return host.crypto.hmac_sha256(cluster, "filo cluster v1 " .. side .. binding)
end

local function signed_text(binding, dialler)
  return "filo hello v1 " .. (dialler and "dialler" or "listener") .. binding
end

---What this side of a connection proves in its hello: that it knows the cluster secret, and its node ID where TLS does not.
---@return {proof?: string, signature?: string}
function admission.prove(host, settings, connection)
  local cluster, binding, dialler = settings.admission.cluster, connection:binding(), connection:is_dialler()
  local _, proven = connection:peer()
  return {
    proof = cluster and cluster_proof(host, cluster, binding, dialler),
    signature = not proven and settings.identity:sign(signed_text(binding, dialler)) or nil,
  }
end

---What the script's own function says: true lets in, false and a reason refuses, nil leaves it to the lists.
local function ask_script(peers, connection, hello, id)
  local admit = peers.settings.admission.admit
  if not admit then return nil end
  local peer = { id = id, address = connection:remote(), about = hello.about or {} }
  local ok, admitted, reason = errors.try(admit, peer)
  if ok then return admitted, reason and tostring(reason) or "the admit function refused it" end
  peers.report("error", "", "admit", "the admit function failed: " .. tostring(admitted))
  return false, "the admit function failed"
end

---nil, or the code and the sentence of why this peer is not let in.
---@return string? code, string? why
function admission.refusal(peers, connection, hello, raw_id, id)
  local host, settings = peers.host, peers.settings
  local binding, dialler = connection:binding(), connection:is_dialler()
  local _, proven = connection:peer()
  if hello.version ~= protocol.VERSION then
    return "unsupported", ("it speaks version %d of the protocol, this node version %d"):format(hello.version, protocol.VERSION)
  end
  if not proven and not (hello.signature and host.crypto.verify(raw_id, signed_text(binding, not dialler), hello.signature)) then
    return "denied", "it did not prove its node ID"
  end
  if id == settings.id then
    if hello.instance == settings.instance then return "exists", "it is this node itself" end
    return "denied", "another node is running with this node's identity: each needs its own"
  end
  local admitted, reason = ask_script(peers, connection, hello, id)
  if admitted then return end
  if admitted == false then return "denied", reason end
  local rules = settings.admission
  if rules.allowed[id] then return end
  local expected = rules.cluster and cluster_proof(host, rules.cluster, binding, not dialler)
  if expected and hello.proof and host.crypto.equal(expected, hello.proof) then return end
  return "denied", "it is not listed, and it did not prove that it knows the cluster secret"
end

return admission
