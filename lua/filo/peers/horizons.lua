---Horizons: up to which version the deletions of a namespace were acknowledged by all, and are forgotten. Who writes the namespace signs
---one (replication/forgetting.lua); the largest counts, and all who keep anything of the namespace come to know it.
---
---Beside the horizon that is known a node keeps its pledge: up to where it vouches for what lies here, since it took part, or all was
---cleared after that (replication/doubt.lua). Where the pledge is below the horizon this node is in doubt: what lies here may have been
---deleted. Peers tell each other their pledges, and nobody takes anything old from one whose pledge is below what he knows himself.

local errors = require "filo.base.errors"
local new_locks = require "filo.host.lock"
local protocol = require "filo.peers.protocol"
local signed = require "filo.peers.signed"
local sorted_keys = require "filo.base.sorted_keys"

---What is known of a namespace.
---@class filo.Horizon
---@field known integer  the horizon; 0: none
---@field given? filo.Signed  the same, as it was signed
---@field members? string  who took part: the first 8 bytes of the ID of each
---@field pledge integer
---@field swept integer  the horizon whose deletions are gone here
---@field doubted? {since: integer, till: integer?}  when what was dropped here may have been deleted: seconds since 1970

---@class filo.Horizons
---@field entries table<string, filo.Horizon>  by namespace, raw
---@field told table<string, {run: string, pledges: table<string, integer>}>  the pledges of peers, by ID: those of one run of each
local Horizons = {}
Horizons.__index = Horizons

---So many namespaces are known.
local MOST = 256

---A horizon that is further ahead of this clock is not believed: by one of these, deletions of the time to come would be forgotten.
local MOST_AHEAD = 86400 * 1000000

local ID_START = 8 -- bytes of a node ID, of which a horizon names members

local NONE = { known = 0, pledge = 0, swept = 0 }

local function entry_of(self, namespace) return self.entries[namespace] or NONE end

---@param namespace string
---@return integer  0: none
function Horizons:known(namespace) return entry_of(self, namespace).known end

---@param namespace string
---@return integer
function Horizons:pledge(namespace) return entry_of(self, namespace).pledge end

---@param namespace string
---@return integer
function Horizons:swept(namespace) return entry_of(self, namespace).swept end

---Whether deletions that were forgotten lie here no more.
---@param namespace string
---@return boolean
function Horizons:is_swept(namespace)
  local entry = entry_of(self, namespace)
  return entry.swept >= math.max(entry.known, entry.pledge)
end

---What is no newer than that is taken only from who vouches for it.
---@param namespace string
---@return integer
function Horizons:guard(namespace)
  local entry = entry_of(self, namespace)
  return math.max(entry.known, entry.pledge)
end

---Whether what lies here up to the horizon may have been deleted.
---@param namespace string
---@return boolean
function Horizons:is_in_doubt(namespace)
  local entry = entry_of(self, namespace)
  return entry.known > entry.pledge
end

---The starts of the IDs of who took part in the horizon of a namespace, in 16 hex digits each.
---@param namespace string
---@return string[]
function Horizons:members(namespace)
  local list, members = {}, entry_of(self, namespace).members or ""
  for at = 1, #members, ID_START do list[#list + 1] = self.host.crypto.hex(members:sub(at, at + ID_START - 1)) end
  return list
end

---Those of which something is known, in order.
---@return string[]
function Horizons:namespaces() return sorted_keys(self.entries) end

-- Keeping -----------------------------------------------------------------------------------------------------------------

local function encode(self)
  local list = {}
  for i, namespace in ipairs(self:namespaces()) do
    local entry = self.entries[namespace]
    list[i] = { namespace = namespace, given = entry.given, pledge = entry.pledge, swept = entry.swept, doubted = entry.doubted }
  end
  return self.host.encode { version = 1, horizons = list }
end

---@return true?, filo.Error?
local function save(self)
  if not self.is_kept then return true end
  local _ <close> = self.turns:take "save"
  return self.host.horizons.save(self.root, encode(self))
end

local function is_number(value) return math.type(value) == "integer" and value >= 0 end

local function restore_one(self, saved)
  local fits = type(saved) == "table" and type(saved.namespace) == "string" and is_number(saved.pledge) and is_number(saved.swept)
  if not fits then return end
  local given = type(saved.given) == "table" and type(saved.given.text) == "string" and type(saved.given.signature) == "string"
  local fields = given and signed.read(self.host, "horizon", saved.given)
  local is_its = fields and fields.namespace == saved.namespace
  self.entries[saved.namespace] = {
    known = is_its and fields.horizon or 0, given = is_its and saved.given or nil, members = is_its and fields.members or nil,
    pledge = saved.pledge, swept = saved.swept,
    doubted = type(saved.doubted) == "table" and is_number(saved.doubted.since) and saved.doubted or nil,
  }
end

---Takes what the root has. What makes no sense is left out: then what lies here is in doubt, and is cleared by others.
local function restore(self, loaded)
  local all = self.host.decode(loaded)
  for _, saved in ipairs(type(all) == "table" and type(all.horizons) == "table" and all.horizons or {}) do restore_one(self, saved) end
end

-- Telling -----------------------------------------------------------------------------------------------------------------

---Whom a namespace is named to: who may know the members, and who writes it, or is told that this node does.
local function may_know(self, peer, namespace)
  return self.trusts(peer) or peer.namespaces[namespace] ~= nil or self.writes(namespace)
end

local PLEDGE = ">c32I8" -- namespace, pledge

---Tells a peer of some namespaces.
local function tell(self, peer, namespaces)
  local most = protocol.MOST_RECORDS
  for first = 1, #namespaces, most do
    local horizons, pledges = {}, {}
    for i = first, math.min(first + most - 1, #namespaces) do
      local entry = self.entries[namespaces[i]]
      local is_told = entry and may_know(self, peer, namespaces[i])
      if is_told then pledges[#pledges + 1] = PLEDGE:pack(namespaces[i], entry.pledge) end
      if is_told and entry.given then horizons[#horizons + 1] = entry.given end
    end
    if pledges[1] then peer:across_takeover(peer.ask, "horizons", { horizons = horizons, pledges = table.concat(pledges) }) end
  end
end

---Something has changed here: all who are connected are told.
local function note(self, namespace)
  for _, peer in ipairs(self.peers:list()) do self.tasks:spawn(tell, self, peer, { namespace }) end
  self.changed(namespace)
end

---A peer has come, or has shown that it writes some namespaces.
---@param peer filo.peers.Peer
function Horizons:meet(peer) self.tasks:spawn(tell, self, peer, self:namespaces()) end

-- Taking ------------------------------------------------------------------------------------------------------------------

---Makes room for one more: of a namespace of which there is nothing here the first goes, as whoever makes namespaces as he likes could
---else keep out all others.
---@return boolean
local function make_room(self)
  local names = self:namespaces()
  if #names < MOST then return true end
  for _, namespace in ipairs(names) do
    if not self.needs(namespace) then
      self.entries[namespace] = nil
      return true
    end
  end
  return false
end

---@return filo.Horizon?
local function entry_for(self, namespace)
  local entry = self.entries[namespace]
  if entry then return entry end
  if not make_room(self) then return nil end
  entry = { known = 0, pledge = 0, swept = 0 }
  self.entries[namespace] = entry
  return entry
end

---Takes what somebody passes on, if it is later than what is known.
---@param given filo.Signed
---@return boolean? taken, filo.Error?
function Horizons:take(given)
  local fields, err = signed.read(self.host, "horizon", given)
  if not fields then return nil, err end
  if fields.horizon <= self:known(fields.namespace) then return false end
  if fields.horizon > self.host.time() + MOST_AHEAD then
    return errors.fail("invalid", "a horizon is of a time that has not come yet by the clock of this node")
  end
  local entry = entry_for(self, fields.namespace)
  if not entry then return errors.fail("too_large", ("there is room for the horizons of %d namespaces only"):format(MOST)) end
  entry.known, entry.given, entry.members = fields.horizon, given, fields.members
  local ok, problem = save(self)
  if not ok then self.host.log("error", "up to where deletions are forgotten cannot be kept: " .. tostring(problem)) end
  note(self, fields.namespace)
  return true
end

local function seconds(self) return self.host.time() // 1000000 end

---Something is about to be dropped here since nobody knows it: that is kept before this returns.
---@param namespace string
---@return true?, filo.Error?
function Horizons:note_dropping(namespace)
  local entry = self.entries[namespace]
  if entry.doubted and not entry.doubted.till then return true end
  entry.doubted = { since = entry.doubted and entry.doubted.since or seconds(self) }
  return save(self)
end

---Whether what was dropped here at a time may have been deleted.
---@param namespace string
---@param time integer  seconds since 1970
---@param version integer  of it
---@return boolean
function Horizons:may_be_deleted(namespace, time, version)
  local entry = entry_of(self, namespace)
  local doubted = entry.doubted
  return doubted ~= nil and version <= entry.known and time >= doubted.since and time <= (doubted.till or math.huge)
end

---This node vouches for what lies here up to a horizon: it is kept before this returns.
---@param namespace string
---@param horizon integer
---@return true?, filo.Error?
function Horizons:vouch(namespace, horizon)
  local entry = entry_for(self, namespace)
  if not entry then return errors.fail("too_large", ("there is room for the horizons of %d namespaces only"):format(MOST)) end
  local before = entry.pledge
  entry.pledge = math.max(before, horizon)
  if entry.doubted and entry.known > before then entry.doubted.till = seconds(self) end
  local ok, err = save(self)
  if not ok then
    entry.pledge = before
    return nil, err
  end
  note(self, namespace)
  return true
end

---Deletions up to a horizon lie here no more.
---@param namespace string
---@param horizon integer
function Horizons:note_swept(namespace, horizon)
  self.entries[namespace].swept = horizon
  local ok, err = save(self)
  if not ok then self.host.log("error", "up to where deletions are forgotten cannot be kept: " .. tostring(err)) end
end

---Signs a horizon, as who writes the namespace.
---@param keys filo.Keys
---@param horizon integer
---@param members string[]  raw IDs of who took part
---@return boolean? taken, filo.Error?
function Horizons:sign(keys, horizon, members)
  local named = {}
  for i, id in ipairs(members) do named[i] = id:sub(1, ID_START) end
  return self:take(signed.make(self.host, "horizon", {
    members = table.concat(named), namespace = keys:raw_id(), horizon = horizon, node = self.raw_id, time = self.host.time() // 1000000,
  }, keys))
end

-- Peers -------------------------------------------------------------------------------------------------------------------

---One that was started again may have been restored from a backup.
local function run_of(peer) return peer.instance or peer.id end

---The pledges of a peer, to be added to. Those of who has gone are forgotten when another comes.
local function pledges_of(self, peer)
  local told = self.told[peer.id]
  if told and told.run == run_of(peer) then return told.pledges end
  for id in pairs(self.told) do
    if not self.peers:get(id) then self.told[id] = nil end
  end
  self.told[peer.id] = { run = run_of(peer), pledges = {} }
  return self.told[peer.id].pledges
end

---@param peer filo.peers.Peer
---@param namespace string
---@return integer
function Horizons:pledge_of(peer, namespace)
  local told = self.told[peer.id]
  return told and told.run == run_of(peer) and told.pledges[namespace] or 0
end

---Whether a peer vouches for a version that it gives: it is newer than what was forgotten, or the peer took part in that.
---@param peer filo.peers.Peer
---@param namespace string
---@param version integer
---@return boolean
function Horizons:trusts_version(peer, namespace, version)
  local guard = self:guard(namespace)
  return version > guard or self:pledge_of(peer, namespace) >= guard
end

local function hear(self, body, peer)
  for _, given in ipairs(body.horizons) do
    local ok, err = self:take(given)
    if ok == nil then
      self.report("warning", peer.id, "horizon", ("%s tells of a horizon that is not taken: %s"):format(tostring(peer), tostring(err)))
    end
  end
  local pledges = pledges_of(self, peer)
  for at = 1, #body.pledges, PLEDGE:packsize() do
    local namespace, pledge = PLEDGE:unpack(body.pledges, at)
    pledges[namespace] = math.max(pledge, pledges[namespace] or 0)
  end
  self.heard(peer)
  return {}
end

---@param given {host: filo.Host, root: string, loaded?: string|false, raw_id: string, peers: filo.Peers, tasks: filo.Tasks,
---  report: function, trusts: (fun(peer: filo.peers.Peer): boolean), writes: (fun(namespace: string): boolean),
---  needs: (fun(namespace: string): boolean), changed: fun(namespace: string), heard: fun(peer: filo.peers.Peer)}
---  loaded: what the root has; nil: it keeps none. trusts: who may know which namespaces there are; needs: whether there is something of a
---  namespace here; changed: what is known of a namespace is another; heard: a peer has told its pledges
---@return filo.Horizons
return function(given)
  local self = setmetatable(given, Horizons)
  self.entries, self.told, self.turns = {}, {}, new_locks(given.host)
  self.is_kept = given.loaded ~= nil
  if given.loaded then restore(self, given.loaded) end
  given.peers:handle("horizons", function(body, peer) return hear(self, body, peer) end)
  return self
end
