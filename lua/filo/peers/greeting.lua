---The first two messages of each side of a connection. A hello says who a node is and proves it; a welcome lets the other in.

local errors = require "filo.base.errors"
local protocol = require "filo.peers.protocol"

local greeting = {}

---What only who knows the cluster secret can say, and only on this connection and from this side.
local function cluster_proof(host, cluster, binding, dialler)
  local side = dialler and "dialler" or "listener"
  return host.crypto.hmac_sha256(cluster, "filo cluster v1 " .. side .. binding)
end

local function signed_text(binding, dialler)
  return "filo hello v1 " .. (dialler and "dialler" or "listener") .. binding
end

local function make_hello(host, settings, connection)
  local admission = settings.admission
  local binding, dialler = connection:binding(), connection:is_dialler()
  local _, proven = connection:peer()
  return {
    hello = {
      version = protocol.VERSION,
      proof = admission.cluster and cluster_proof(host, admission.cluster, binding, dialler),
      signature = not proven and settings.identity:sign(signed_text(binding, dialler)) or nil,
      instance = settings.instance,
      listen = settings.listen_address,
      about = admission.about,
      free = settings.free(),
    },
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
local function refusal(peers, connection, hello, raw_id, id)
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
  local admission = settings.admission
  if admission.allowed[id] then return end
  local expected = admission.cluster and cluster_proof(host, admission.cluster, binding, not dialler)
  if expected and hello.proof and host.crypto.equal(expected, hello.proof) then return end
  return "denied", "it is not listed, and it did not prove that it knows the cluster secret"
end

---Receives one of the first messages of a connection and checks it.
local function receive(host, connection, check)
  local message, err = connection:receive(host.limits.hello)
  if not message then return nil, err end
  local body
  body, err = check(message)
  if not body then connection:close("protocol", err.message) end
  return body, err
end

---What the other side's goodbye instead of a welcome means.
local WHY_NOT = {
  denied = "the peer does not let this node in: is it listed there, and the cluster secret the same?",
  exists = "the peer is connected to this node already, or to another node that runs with the same identity",
}

---Exchanges hellos, then welcomes: who has the other's welcome may send anything. Gives the peer's hello and its ID.
---rival(id): nil, or why a peer of this ID cannot be let in now.
---@return table?, string|filo.Error
function greeting.exchange(peers, connection, rival)
  local host, settings = peers.host, peers.settings
  local raw_id = connection:peer()
  local id = host.crypto.hex(raw_id)
  local ok, err = connection:send(make_hello(host, settings, connection))
  if not ok then return nil, err end
  local hello
  hello, err = receive(host, connection, protocol.check_hello)
  if not hello then return nil, err end
  local code, why = refusal(peers, connection, hello, raw_id, id)
  if not code then code, why = rival(id) end
  if code then
    connection:close(code, why)
    local sentence = ("node %s at %s is not let in: %s"):format(id:sub(1, 16), connection:remote(), why)
    return errors.fail(code, sentence, { peer = id, itself = hello.instance == settings.instance or nil })
  end
  connection:admit()
  ok, err = connection:send { welcome = true }
  if not ok then return nil, err end
  ok, err = receive(host, connection, protocol.check_welcome)
  if ok then return hello, id end
  return nil, errors.wrap(err, WHY_NOT[err.code] or "the peer did not let this node in", { peer = id })
end

return greeting
