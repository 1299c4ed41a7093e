---The first two messages of each side of a connection. A hello says who a node is and proves it; a welcome lets the other in.

local admission = require "filo.peers.admission"
local errors = require "filo.base.errors"
local protocol = require "filo.peers.protocol"

local greeting = {}

local function make_hello(host, settings, connection)
  local proofs = admission.prove(host, settings, connection)
  return {
    hello = {
      version = protocol.VERSION,
      proof = proofs.proof,
      signature = proofs.signature,
      instance = settings.instance,
      listen = settings.listen_address,
      about = settings.admission.about,
      free = settings.free(),
    },
  }
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
---rival(id, instance): nil, or why a peer of this ID cannot be let in now, and whether it is that very run of a node that is connected.
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
  local code, why = admission.refusal(peers, connection, hello, raw_id, id)
  local known
  if not code then code, why, known = rival(id, hello.instance) end
  if code then
    connection:close(code, why)
    local sentence = ("node %s at %s is not let in: %s"):format(id:sub(1, 16), connection:remote(), why)
    return errors.fail(code, sentence, { peer = id, itself = hello.instance == settings.instance or nil, known = known })
  end
  connection:admit()
  ok, err = connection:send { welcome = true }
  if not ok then return nil, err end
  ok, err = receive(host, connection, protocol.check_welcome)
  if ok then return hello, id end
  return nil, errors.wrap(err, WHY_NOT[err.code] or "the peer did not let this node in", { peer = id })
end

return greeting
