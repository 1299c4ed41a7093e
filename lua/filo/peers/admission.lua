---Admission: who a peer proves to be, and whether it is let in.

local errors = require "filo.base.errors"
local protocol = require "filo.peers.protocol"

---OWN_ID: what a node is told that comes with the ID of the one it comes to.
local admission = {
  OWN_ID = {
    exists = "it is this node itself",
    denied = "another node is running with this node's identity: each needs its own",
  },
}

---What only who knows the cluster secret can say, and only on this connection and from this side.
local function cluster_proof(host, cluster, binding, dialler)
  local side = dialler and "dialler" or "listener"
  return host.crypto.hmac_sha256(cluster, "filo cluster v1 " .. side .. binding)
end

local function signed_text(binding, dialler)
  return "filo hello v1 " .. (dialler and "dialler" or "listener") .. binding
end

---That this side of a connection knows the cluster secret. nil when there is none.
---@return string?
function admission.proof(host, settings, connection)
  local cluster = settings.admission.cluster
  return cluster and cluster_proof(host, cluster, connection:binding(), connection:is_dialler())
end

---That this side has its node ID. nil where TLS proves it.
---@return string?
function admission.signature(settings, connection)
  local _, proven = connection:peer()
  if proven then return nil end
  return settings.identity:sign(signed_text(connection:binding(), connection:is_dialler()))
end

---Whether the other side proves in its hello that it knows the cluster secret.
---@return boolean
function admission.knows_secret(peers, connection, hello)
  local host, cluster = peers.host, peers.settings.admission.cluster
  if not cluster or not hello.proof then return false end
  return host.crypto.equal(cluster_proof(host, cluster, connection:binding(), not connection:is_dialler()), hello.proof)
end

---What the script's own function says: true lets in, false and a reason refuses, nil leaves it to the lists.
local function ask_script(peers, connection, id)
  local admit = peers.settings.admission.admit
  if not admit then return nil end
  local ok, admitted, reason = errors.try(admit, { id = id, address = connection:remote() })
  if ok then return admitted, reason and tostring(reason) or "the admit function refused it" end
  peers.report("error", "", "admit", "the admit function failed: " .. tostring(admitted))
  return false, "the admit function failed"
end

---Whether the other side proves its node ID, where TLS has not done so.
local function proves_id(peers, connection, hello)
  local raw_id, proven = connection:peer()
  if proven then return true end
  local text = signed_text(connection:binding(), not connection:is_dialler())
  return hello.signature ~= nil and peers.host.crypto.verify(raw_id, text, hello.signature)
end

---nil, or the code and the sentence of why this peer is not let in.
---@param id string  of the peer, 64 hex digits
---@return string? code, string? why
function admission.refusal(peers, connection, hello, id)
  local settings = peers.settings
  if hello.version ~= protocol.VERSION then
    return "unsupported", ("it speaks version %d of the protocol, this node version %d"):format(hello.version, protocol.VERSION)
  end
  if not proves_id(peers, connection, hello) then return "denied", "it did not prove its node ID" end
  if id == settings.id then
    local code = hello.instance == settings.instance and "exists" or "denied"
    return code, admission.OWN_ID[code]
  end
  local why = peers.members:why_out(id)
  if why then return "denied", why end
  local admitted, reason = ask_script(peers, connection, id)
  if admitted then return end
  if admitted == false then return "denied", reason end
  if settings.admission.allowed[id] or admission.knows_secret(peers, connection, hello) then return end
  return "denied", "it is not listed, and it did not prove that it knows the cluster secret"
end

return admission
