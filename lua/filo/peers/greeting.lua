---The first two messages of each side of a connection. A hello says who a node is and proves it; a welcome lets the other in, and tells it
---what peers know of each other. Who has dialled says hello first: whoever only connects learns nothing but the node ID.

local admission = require "filo.peers.admission"
local claims = require "filo.peers.claims"
local errors = require "filo.base.errors"
local protocol = require "filo.peers.protocol"

local greeting = {}

---@param proves boolean  whether to prove that this node knows the cluster secret
local function send_hello(peers, connection, proves)
  local host, settings = peers.host, peers.settings
  return connection:send {
    hello = {
      version = protocol.VERSION,
      proof = proves and admission.proof(host, settings, connection) or nil,
      signature = admission.signature(settings, connection),
      instance = settings.instance,
    },
  }
end

local function send_welcome(peers, connection)
  local settings = peers.settings
  return connection:send {
    welcome = {
      listen = settings.listen_address, about = settings.admission.about, free = settings.free(),
      claims = claims.make(connection, settings.keys, 1, settings.generation_of), bulk = settings.bulk or nil,
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

---What the other side's goodbye instead of its hello or welcome means.
local WHY_NOT = {
  denied = "the peer does not let this node in: is it listed there, and the cluster secret the same?",
  exists = "the peer is connected to this node already, or to another node that runs with the same identity",
}

---What it means that a node with this ID does not let this one in.
local function not_let_in(peers, id, err)
  local own = id == peers.settings.id
  local why = own and admission.OWN_ID[err.code] or WHY_NOT[err.code] or "the peer did not let this node in"
  return errors.wrap(err, why, { peer = id, itself = own and err.code == "exists" or nil })
end

---Looks whether the peer that said this hello is let in.
---@return true?, filo.Error?
local function judge(peers, connection, hello, id, rival)
  local code, why = admission.refusal(peers, connection, hello, id)
  local known
  if not code then code, why, known = rival(id, hello.instance) end
  if not code then return true end
  connection:close(code, why)
  local sentence = ("node %s at %s is not let in: %s"):format(id:sub(1, 16), connection:remote(), why)
  return errors.fail(code, sentence, { peer = id, itself = hello.instance == peers.settings.instance or nil, known = known })
end

---Exchanges hellos, then welcomes: who has the other's welcome may send anything. The side that was dialled proves that it knows the
---cluster secret only to who has proved that. Gives the peer's hello, its welcome and its ID.
---rival(id, instance): nil, or why a peer of this ID cannot be let in now, and whether it is that very run of a node that is connected.
---@return table? hello
---@return table|filo.Error welcome
---@return string? id
function greeting.exchange(peers, connection, rival)
  local host, dialler = peers.host, connection:is_dialler()
  local id = host.crypto.hex((connection:peer()))
  local function refused(err) return nil, dialler and not_let_in(peers, id, err) or err end
  local ok, err = true, nil
  if dialler then ok, err = send_hello(peers, connection, true) end
  local hello
  if ok then hello, err = receive(host, connection, protocol.check_hello) end
  if not hello then return refused(err) end
  ok, err = judge(peers, connection, hello, id, rival)
  if not ok then return nil, err end
  connection:admit()
  if not dialler then ok, err = send_hello(peers, connection, admission.knows_secret(peers, connection, hello)) end
  if ok then ok, err = send_welcome(peers, connection) end
  local welcome
  if ok then welcome, err = receive(host, connection, protocol.check_welcome) end
  if welcome then
    welcome.namespaces, err = claims.check(host, connection, welcome.claims or {})
    if welcome.namespaces then return hello, welcome, id end
    connection:close("protocol", err.message)
  end
  return nil, not_let_in(peers, id, err)
end

return greeting
