---Framed connections within this process, from both ends.
---
---    local link <close> = links.pair { tls = false }     -- link.a has dialled, link.b accepted; both are let in
---    local server <close> = links.listen { message_max = 100 }
---    local connection = server:accept()                  -- its handshake is still to come

local crypto = require "filo.core.crypto"
local net = require "filo.core.net"
local runtime = require "filo.core.runtime"
local wire = require "spec.support.wire"

local links = {}

---Who dials, and who listens.
links.a = assert(crypto.identity_from_seed(("a"):rep(32)))
links.b = assert(crypto.identity_from_seed(("b"):rep(32)))

---Options of a connection for an identity; plain ones without TLS.
function links.options(identity, given)
  local options = { id = identity:raw_id() }
  for name, value in pairs(given or {}) do options[name] = value end
  options.tls = options.tls ~= false and assert(net.tls(identity)) or nil
  return options
end

---@class spec.LinkServer
local Server = {}
Server.__index = Server

function links.listen(given, address)
  local listener = assert(net.listen(address or "127.0.0.1:0"))
  return setmetatable({ listener = listener, address = listener:address(), options = links.options(links.b, given) }, Server)
end

function Server:accept() return assert(self.listener:accept(self.options)) end

---Both ends of a connection that wire.lua dials: the peer, and the connection here, ready but not let in.
function Server:meet(identity)
  local dialling = runtime.spawn(wire.dial, self.address, identity)
  local connection = assert(self:accept():ready())
  return dialling:join(), connection
end

function Server:close() self.listener:close() end
Server.__close = Server.close

---@class spec.Link
local Link = {}
Link.__index = Link

---Both ends of a new connection. Options: those of connections, for both sides; address; admit = false.
function links.pair(given)
  given = given or {}
  local admit, address = given.admit ~= false, given.address
  local options = {}
  for name, value in pairs(given) do
    if name ~= "admit" and name ~= "address" then options[name] = value end
  end
  local server <close> = links.listen(options, address)
  local dialling = runtime.spawn(net.dial, server.address, links.options(links.a, options))
  local b = server:accept()
  local a = assert(dialling:join())
  assert(b:ready())
  if admit then
    a:admit()
    b:admit()
  end
  return setmetatable({ a = a, b = b }, Link)
end

function Link:close()
  self.a:close()
  self.b:close()
end
Link.__close = Link.close

return links
