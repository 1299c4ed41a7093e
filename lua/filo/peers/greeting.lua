---The first two messages of each side of a connection. A hello says who a node is and proves it; a welcome lets the other in, and tells it
---what peers know of each other. Who has dialled says hello first: whoever only connects learns nothing but the node ID.

local admission = require "filo.peers.admission"
local claims = require "filo.peers.claims"
local errors = require "filo.base.errors"
local protocol = require "filo.peers.protocol"
local signed = require "filo.peers.signed"

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

---The numeric address in what a connection says of its far end: "192.0.2.1" of "192.0.2.1:3000", "::1" of "[::1]:3000".
local function host_of(remote) return remote:match "^%[(.*)%]" or remote:match "^(.*):%d+$" end

local function send_welcome(peers, connection)
  local settings = peers.settings
  return connection:send {
    welcome = {
      member = peers.members:own(), you = host_of(connection:remote()), free = settings.free(),
      claims = claims.make(connection, settings.keys, 1, settings.generation_of), bulk = settings.bulk or nil,
      pace = next(settings.rates.now) and settings.rates.now or nil,
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
  denied = "the peer does not let this node in: is it listed there, and the cluster secret the same? Or was it removed (filo forget)?",
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

---What a welcome proves: whose namespaces the other side writes, and what it says of itself.
---@return true?, filo.Error?
local function verify(host, connection, welcome, id)
  local namespaces, err = claims.check(host, connection, welcome.claims or {})
  if not namespaces then return nil, err end
  welcome.namespaces, welcome.says = namespaces, { addresses = {}, about = {} }
  if not welcome.member then return true end
  local says, problem = signed.read(host, "member", welcome.member)
  if not says then return nil, problem end
  if host.crypto.hex(says.id) ~= id then return errors.fail("protocol", "it says of itself what another member has signed") end
  welcome.says = says
  return true
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
    ok, err = verify(host, connection, welcome, id)
    if ok then return hello, welcome, id end
    connection:close("protocol", err.message)
  end
  return nil, not_let_in(peers, id, err)
end

return greeting
