---Bulk lines: a second connection to a peer, without TLS, over which go the streams of objects that are sealed anyway. Both nodes need
---the option `bulk = "sealed"`. Who has dialled the peer dials the line, too, and asks for a ticket first: what it is called in the
---clear, and a key, both over the peer's connection. Each side proves on the line that it has the key, bound to that very line, before
---anything else goes over it. A ticket is good for one line. While there is none, all goes over TLS.

local at_end = require "filo.host.at_end"
local errors = require "filo.base.errors"
local new_backoff = require "filo.host.backoff"

---Seconds from the end of a line to the next: at first, and at most.
local REDIAL, REDIAL_MOST = 1, 300

---@class filo.Bulk
---@field tickets table<string, {peer: filo.peers.Peer, key: string}>  that were given out and not used yet
---@field by_peer table<filo.peers.Peer, string>  its ticket
---@field coming table<filo.peers.Peer, filo.core.Connection>  lines that are proven; the peer has not said so yet
local Bulk = {}
Bulk.__index = Bulk

---@param given {host: filo.Host, report: fun(level: string, subject: string, kind: string, message: string),
---  options: (fun(): filo.core.ConnectionOptions), connections: table, spawn: fun(fn: function, ...)}
---@return filo.Bulk
local function new(given)
  local self = setmetatable({ tickets = {}, by_peer = {}, coming = {} }, Bulk)
  for name, value in pairs(given) do self[name] = value end
  return self
end

---What only who has the ticket's key can say, and only on this line and from this side.
local function proof(self, key, line, dialler)
  return self.host.crypto.hmac_sha256(key, "filo bulk v1 " .. (dialler and "dialler" or "listener") .. line:binding())
end

---Waits for the other side's proof.
local function receive_proof(self, key, line)
  local message, err = line:receive(self.host.limits.hello)
  if not message then return nil, err end
  local given = message.proof
  if type(given) == "string" and self.host.crypto.equal(proof(self, key, line, not line:is_dialler()), given) then return true end
  return errors.fail("denied", "a bulk line was not proved to be the peer's")
end

---The peer's streams may go over the line until it ends.
local function hold(self, peer, line)
  self.connections:add(line)
  local _ <close> = at_end(function()
    self.connections:remove(line)
    self.coming[peer] = nil
    peer:lose_line(line)
  end)
  local _, err = line:receive() -- nothing: a message is a breach
  return err
end

-- Who is dialled ----------------------------------------------------------------------------------------------------------

---The ticket of a peer is good no longer.
---@param peer filo.peers.Peer
function Bulk:forget(peer)
  local ticket = self.by_peer[peer]
  if ticket then self.tickets[ticket], self.by_peer[peer] = nil, nil end
end

---Answers a peer that wants a line, or has proved one.
---@param body {ready?: boolean}
---@param peer filo.peers.Peer
---@return table?, filo.Error?
function Bulk:answer(body, peer)
  if peer.gone or peer.connection:is_dialler() then return errors.fail("protocol", "the other side dials the bulk line") end
  if not body.ready then
    self:forget(peer)
    local ticket, key = assert(self.host.random(32)), assert(self.host.random(32))
    self.tickets[ticket], self.by_peer[peer] = { peer = peer, key = key }, ticket
    return { ticket = ticket, key = key }
  end
  local line = self.coming[peer]
  if not line then return errors.fail("closed", "the bulk line has ended") end
  self.coming[peer] = nil
  peer:use_line(line)
  return {}
end

---Serves a line that came, until it ends. It is closed at once unless it proves whose it is.
---@param line filo.core.Connection
---@param let_in fun()
---@return filo.Error why
function Bulk:take(line, let_in)
  local ticket = line:peer()
  local known = self.tickets[ticket]
  if not known then
    local err = errors.new("denied", "a bulk line came with a ticket that nobody was given, or that was used")
    line:close("denied", err.message)
    return err
  end
  local peer = known.peer
  self:forget(peer)
  local ok, err = receive_proof(self, known.key, line)
  if ok and peer.gone then ok, err = nil, peer.gone end
  if not ok then
    line:close("denied", err.message)
    return err
  end
  line:admit()
  let_in()
  self.coming[peer] = line
  ok, err = line:send { proof = proof(self, known.key, line, false) }
  return ok and hold(self, peer, line) or err
end

-- Who dials ---------------------------------------------------------------------------------------------------------------

---Dials a line, and serves it until it ends. Gives why it did, and whether it was in use.
---@return filo.Error why, boolean used
local function dial(self, peer)
  local ticket, err = peer:ask("bulk", {})
  if not ticket then return err, false end
  if not (ticket.ticket and ticket.key) then return errors.new("protocol", "it gave no ticket for a bulk line"), false end
  local options = self.options()
  options.bulk, options.id = true, ticket.ticket
  local line
  line, err = self.host.net.dial(peer.connection:remote(), options)
  if not line then return err, false end
  local _ <close> = line
  local ok
  ok, err = line:send { proof = proof(self, ticket.key, line, true) }
  if ok then ok, err = receive_proof(self, ticket.key, line) end
  if not ok then return err, false end
  line:admit()
  peer:use_line(line)
  self.spawn(function()
    local ready = peer:ask("bulk", { ready = true })
    if not ready then line:close() end
  end)
  return hold(self, peer, line), true
end

---Keeps a line to a peer that was dialled.
---@param peer filo.peers.Peer
function Bulk:keep(peer)
  local pause = new_backoff(self.host, REDIAL, REDIAL_MOST)
  while not peer.gone do
    local err, used = dial(self, peer)
    if peer.gone then return end
    local message = ("the bulk line to %s %s (what goes there goes over TLS now): %s"):format(tostring(peer),
      used and "has ended" or "cannot be made", tostring(err))
    self.report("warning", peer.id, "bulk line", message)
    if used then pause:reset() end
    pause:wait()
  end
end

return new
