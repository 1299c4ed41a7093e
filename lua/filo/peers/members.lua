---The members of a node: its roster, what is told of it and dialled for it, and what becomes of members that come and go.

local format = require "filo.base.format"
local inside = require "filo.base.inside"
local is_loopback = require "filo.base.is_loopback"
local new_dialling = require "filo.peers.dialling"
local new_gossip = require "filo.peers.gossip"
local new_roster = require "filo.peers.roster"
local rules = require "filo.peers.admission"

---@class filo.Members
---@field roster filo.Roster
---@field gossip filo.Gossip
---@field dialling filo.Dialling
---@field places string[]  numeric addresses of this node that peers have seen, the latest first
local Members = {}
Members.__index = Members

---Where this node listens on every address, so many of those that peers have seen are told to others.
local PLACES = 4

local EVERY = { ["0.0.0.0"] = true, ["::"] = true }

---Where others may dial this node.
local function addresses(self)
  local listen = self.settings.listen_address
  local host, port = self.host.net.address(listen or "")
  if not listen then return {} end
  if not EVERY[host] then return { listen } end
  local list = {}
  for i, place in ipairs(self.places) do list[i] = (place:find ":" and "[%s]:%d" or "%s:%d"):format(place, port) end
  return list
end

---A peer says from where this node comes, or where it was reached.
local function see_place(self, place)
  local host = self.host.net.address(self.settings.listen_address or "")
  if not EVERY[host] or not self.host.net.address((place:find ":" and "[%s]:1" or "%s:1"):format(place)) then return end
  local list = { place }
  for _, each in ipairs(self.places) do
    local worse = is_loopback(each) and not is_loopback(place)
    if each ~= place and not worse and #list < PLACES then list[#list + 1] = each end
  end
  if is_loopback(place) and self.places[1] and not is_loopback(self.places[1]) then return end
  if self.places[1] == place then return end
  self.places = list
  self.roster:renew()
end

---Whether somebody has a say in who the members are: who has proved the secret, or is listed.
---@param peer filo.peers.Peer
---@return boolean
local function trusts(self, peer)
  local peers = self.peers
  if peer.gone then return false end
  local hello = peers.hellos[peer.id]
  return self.settings.admission.allowed[peer.id] or hello ~= nil and rules.knows_secret(peers, peer.connection, hello)
end

---A verdict has come: who is forgotten goes, and who is not may come.
local function decided(self, entry)
  local peer = self.peers:get(entry.id)
  self.settings.turned()
  if peer and entry.decision == "forgotten" then self.peers:turn_out(peer, "denied", self:why_out(entry.id)) end
  if self.dialling then self.dialling:look(entry.id) end
end

---A member has said something new of itself.
local function heard(self, entry)
  local peer = self.peers:get(entry.id)
  if peer then peer:describe(entry) end
  if self.dialling then self.dialling:look(entry.id) end
end

local function roster_settings(self)
  local settings = self.settings
  return {
    id = settings.id, raw_id = settings.raw_id, identity = settings.identity, obeys = settings.obeys, writes = settings.writes,
    report = self.peers.report,
    say = function() return { addresses = addresses(self), about = settings.admission.about, capacity = settings.capacity } end,
    may_join = function(id) return settings.admission.cluster ~= nil or settings.admission.allowed[id] == true end,
    heard = function(entry) heard(self, entry) end,
    decided = function(entry) decided(self, entry) end,
    wished = function(namespace) settings.wished(namespace) end,
  }
end

---Why a node is not let in, whatever it knows; nil: nothing is known against it.
---@param id string
---@return string?
function Members:why_out(id)
  local is_forgotten, time = self.roster:is_forgotten(id)
  if not is_forgotten then return nil end
  return ("it was removed from the members at %s; 'filo forget --undo %s' lets it in again"):format(format.date(time), id:sub(1, 16))
end

---This node's own record.
---@return filo.Signed
function Members:own() return self.roster.own end

---What this node says of itself may have changed.
function Members:renew() self.roster:renew() end

---A peer has been let in.
---@param peer filo.peers.Peer
---@param welcome table
function Members:meet(peer, welcome)
  if welcome.you then see_place(self, welcome.you) end
  if not welcome.member or not trusts(self, peer) then return end
  self.roster:take(welcome.member)
  local entry = self.roster.members[peer.id]
  if not entry then return end
  local was_away, away = entry.told_away, entry.met and self.host.now() - entry.since or math.huge
  self.roster:meet(peer.id)
  entry.told_away = nil
  self.settings.came(away)
  if was_away then self.settings.hooks:announce("member_back", self:describe(entry)) end
  if peer.connection:is_dialler() then self.peers:spawn(self.gossip.compare, self.gossip, peer) end
end

---Tells scripts of one that is away, if it does not come back at once.
local function tell_away(self, entry, since)
  self.host.sleep(self.host.limits.suspect)
  if entry.up or entry.since ~= since or entry.decision == "forgotten" then return end
  entry.told_away = true
  self.settings.hooks:announce("member_away", self:describe(entry))
end

---A peer is gone.
---@param peer filo.peers.Peer
---@param err filo.Error
function Members:lose(peer, err)
  local entry = self.roster.members[peer.id]
  if not entry or not entry.up or self.peers.closed then return end
  self.roster:lose(peer.id, err)
  self.dialling:look(peer.id)
  self.settings.went(entry.id, function() return not entry.up and self.host.now() - entry.since or nil end)
  self.peers:spawn(tell_away, self, entry, entry.since)
end

---@class filo.Member
---@field id string  node ID, 64 hex digits
---@field name? string  what its owner calls it: `about.name`
---@field state "up"|"away"|"draining"  draining: it is to be emptied, connected or not
---@field since number  seconds for which it has been connected, or has not
---@field connected boolean
---@field why? string  why it is not connected
---@field addresses string[]  where it says that it can be dialled
---@field about table  what its owner tells of it
---@field capacity? integer  bytes that its file system has
---@field free? integer  bytes free in its store, as far as it has told; nil while it is not connected
---@field rtt? number  seconds of the last ping; nil while it is not connected
---@field left? integer  of one that is draining: copies that are still to move, as it has told last
local Face = { __name = "filo.Member" }

inside.seal(Face, "a member", {
  "id", "name", "state", "since", "connected", "why", "addresses", "about", "capacity", "free", "rtt", "left",
})

function Face:__tostring()
  local member = inside.of(self)
  return ("member %s, %s"):format(member.name or member.id:sub(1, 16), member.state)
end

---What scripts get of a member: how it is now.
---@param entry filo.RosterEntry
---@return filo.Member
function Members:describe(entry)
  local peer = self.peers:get(entry.id)
  if peer then peer:refresh() end
  local about = entry.id == self.settings.id and self.settings.admission.about or entry.about
  return inside.keep(setmetatable({}, Face), {
    id = entry.id, name = self.roster.name_of { about = about }, connected = entry.up, since = self.host.now() - entry.since,
    state = entry.decision == "draining" and "draining" or entry.up and "up" or "away", why = entry.why, addresses = entry.addresses,
    about = entry.about, capacity = entry.capacity, free = peer and peer.free, rtt = peer and peer.rtt,
    left = entry.decision == "draining" and peer and peer.left or nil,
  })
end

---All members but this node, in the order of their IDs.
---@return filo.Member[]
function Members:list()
  local list = self.roster:list()
  for i, entry in ipairs(list) do list[i] = self:describe(entry) end
  return list
end

---@param peers filo.Peers
---@param settings table  as for Peers, with root, capacity, roster (what the root has), obeys
---@return filo.Members
return function(peers, settings)
  local host = peers.host
  local self = setmetatable({ host = host, peers = peers, settings = settings, places = {} }, Members)
  self.roster = new_roster { host = host, root = settings.root, loaded = settings.roster, settings = roster_settings(self) }
  local function spawn(...) return peers:spawn(...) end
  self.gossip = new_gossip {
    host = host, roster = self.roster, peers = peers, report = peers.report, spawn = spawn,
    trusts = function(peer) return trusts(self, peer) end,
  }
  self.dialling = new_dialling {
    host = host, id = settings.id, roster = self.roster, spawn = spawn,
    connect = function(target) return peers:connect(target) end,
    is_dialled = function(list) return peers.bootstrap:has_any(list) end,
  }
  return self
end
