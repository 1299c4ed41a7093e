---The roster: every member that was ever let in and that nobody has removed, whether it is connected or not. Each says of itself, in a
---signed record, what it is called and where it is reached; who writes a namespace decides, in a signed verdict, that one is forgotten or
---to be emptied. Both spread among members (gossip.lua) and are kept in the root: nobody is forgotten by being away.

local at_end = require "filo.host.at_end"
local errors = require "filo.base.errors"
local format = require "filo.base.format"
local new_gate = require "filo.host.gate"
local new_policies = require "filo.peers.policies"
local signed = require "filo.peers.signed"
local sorted_keys = require "filo.base.sorted_keys"

---@class filo.RosterEntry
---@field id string  node ID, 64 hex digits
---@field record? filo.Signed  nil: only a verdict is known
---@field number integer  of the record; 0: there is none
---@field addresses string[]
---@field about table
---@field capacity? integer  bytes
---@field verdict? filo.Signed
---@field decided integer  number of the verdict; 0: there is none
---@field decision "forgotten"|"draining"|"member"  what it says
---@field decided_at? integer  seconds since 1970
---@field away? integer  seconds since 1970: when it went away; nil: it is connected, or was when this node ended
---@field since number  host.now() when it came or went; of one that has not come yet, when this node began
---@field up boolean  it is connected
---@field met? boolean  it has been, ever
---@field why? string  why it is not

---@class filo.Roster
---@field members table<string, filo.RosterEntry>  by ID, those that were forgotten, too
---@field policies filo.Policies
---@field unsaved boolean  something differs from what the root has
---@field is_kept boolean  in the root
---@field verified table<string, true>  texts of the members' records
---@field passed_over table<string, {count: integer, numbers: table<string, integer>}>  by the ID of who is connected and has told them:
---  by that of a member, the number of a verdict by who does not decide here, which is not to be told again
---@field own filo.Signed  this node's record
---@field number integer  its number
local Roster = {}
Roster.__index = Roster

local MOST_KNOWN = 2048 -- in a message: see protocol.lua

local function new_entry(self, id)
  return {
    id = id, number = 0, addresses = {}, about = {}, decided = 0, decision = "member", since = self.host.now(), up = false,
    why = "it has not come since this node began",
  }
end

local function entry_of(self, id)
  local entry = self.members[id] or new_entry(self, id)
  self.members[id] = entry
  return entry
end

---Whether there is room for one more: of those that are members, and of those that are not any more, so many each.
local function has_room(self, forgotten)
  local number = 0
  for _, entry in pairs(self.members) do
    if (entry.decision == "forgotten") == forgotten then number = number + 1 end
  end
  return number < self.host.limits.members
end

-- Keeping -------------------------------------------------------------------------------------------------------------------

---Something is new: it is saved and spread soon, with what comes until then.
local function note(self, id)
  self.news[id] = true
  self.changed:wake()
end

local function use_record(self, entry, record, fields)
  if entry.record then self.verified[entry.record.text] = nil end
  self.verified[record.text] = true
  entry.record, entry.number, entry.addresses, entry.about = record, fields.number, fields.addresses, fields.about
  entry.capacity = fields.capacity
end

local function use_verdict(entry, verdict, fields)
  entry.verdict, entry.decided, entry.decision, entry.decided_at = verdict, fields.number, fields.state, fields.time
end

---All of it, as it lies in the root.
local function encode(self)
  local list = {}
  for _, id in ipairs(sorted_keys(self.members)) do
    local entry = self.members[id]
    list[#list + 1] = { record = entry.record, verdict = entry.verdict, away = entry.away, met = entry.met }
  end
  return self.host.encode { version = 1, own = self.own, members = list, policies = self.policies:list(), told = self.policies.told }
end

---Saves what is new. What cannot be saved is tried again with what is new next.
function Roster:save()
  if self.saving then self.saved:wait_for(function() return not self.saving end) end
  if not self.unsaved or not self.is_kept then return end
  self.saving, self.unsaved = true, false
  local ok, err
  local _ <close> = at_end(function() -- cancelled, too
    self.saving, self.unsaved = false, self.unsaved or not ok
    self.saved:wake()
  end)
  ok, err = self.host.roster.save(self.root, encode(self))
  if not ok and self.problem ~= err.code then self.host.log("error", "who the members are cannot be saved: " .. tostring(err)) end
  self.problem = err and err.code
end

---Reads a record or verdict that was verified when it came.
local function reread(self, kind, given)
  if type(given) ~= "table" or type(given.text) ~= "string" or type(given.signature) ~= "string" then return nil end
  return signed.read(self.host, kind, given)
end

local function restore_own(self, given)
  local fields = given and reread(self, "member", given)
  if fields and fields.id == self.settings.raw_id then self.own, self.number = given, fields.number end
end

local function restore_member(self, saved)
  local record, verdict = reread(self, "member", saved.record), reread(self, "verdict", saved.verdict)
  local raw_id = record and record.id or verdict and verdict.member
  if not raw_id then return end
  local entry = entry_of(self, self.host.crypto.hex(raw_id))
  if record then use_record(self, entry, saved.record, record) end
  if verdict and verdict.member == raw_id then use_verdict(entry, saved.verdict, verdict) end
  entry.met = saved.met == true or nil
  if math.type(saved.away) == "integer" then
    entry.away = saved.away
    entry.since = self.host.now() - math.max(0, self.host.time() // 1000000 - saved.away)
  end
end

---Takes what the root has. What makes no sense is left out: members that are connected to tell it again.
local function restore(self, loaded)
  local all = self.host.decode(loaded)
  if type(all) ~= "table" or type(all.members) ~= "table" then
    self.host.log("error", "who the members are has to be learnt anew from peers: what lies in 'roster' in the root is damaged")
    return
  end
  restore_own(self, all.own)
  self.policies:restore(all.policies, all.told)
  for _, saved in ipairs(all.members) do
    if type(saved) == "table" then restore_member(self, saved) end
  end
end

-- This node's own record ------------------------------------------------------------------------------------------------------

---Makes this node's record anew where it says something else by now, or somebody has one that is as new.
---@param least? integer  number that it has to have, at least
function Roster:renew(least)
  local said = self.settings.say()
  local same = self.own and self.host.encode(said) == self.said and (least or 0) <= self.number
  if same then return end
  self.said = self.host.encode(said)
  self.number = math.max(self.number + 1, least or 1)
  said.id, said.number = self.settings.raw_id, self.number
  self.own = signed.make(self.host, "member", said, self.settings.identity)
  self.unsaved = true
  note(self, self.settings.id)
end

---What the record that was loaded says, to be compared with.
local function recall(self)
  local fields = self.own and reread(self, "member", self.own)
  if not fields then return end
  fields.id, fields.number = nil, nil
  self.said = self.host.encode(fields)
end

-- Taking ------------------------------------------------------------------------------------------------------------------------

local function is_newer(number, text, than, known)
  return number > than or number == than and known ~= nil and text > known.text
end

---Another node says that this one has said so: if it is as new as what this node says, that is said anew.
local function hear_of_self(self, record, fields)
  local known = self.own
  if fields.number >= self.number and record.text ~= known.text then self:renew(fields.number + 1) end
end

---Takes the record of a member, if it is newer than what is known. Whose record may be there: who proved the secret has passed it on, or it
---is listed.
---@param record filo.Signed
---@return boolean? taken, filo.Error?
function Roster:take(record)
  if self.verified[record.text] then return false end
  local fields, err = signed.read(self.host, "member", record)
  if not fields then return nil, err end
  local id = self.host.crypto.hex(fields.id)
  if id == self.settings.id then
    hear_of_self(self, record, fields)
    return false
  end
  local entry = self.members[id]
  if not entry and not self.settings.may_join(id) then return false end
  if not entry and not has_room(self, false) then
    self.settings.report("warning", "", "roster", ("there is room for %d members only: forget those that are gone for good"):format(
      self.host.limits.members))
    return false
  end
  entry = entry_of(self, id)
  if not is_newer(fields.number, record.text, entry.number, entry.record) then return false end
  use_record(self, entry, record, fields)
  self.unsaved = true
  note(self, id)
  self.settings.heard(entry)
  return true
end

---What a peer has told of a member does not count here. Of more members than one message may name, nothing is remembered.
local function pass_over(self, peer_id, id, number)
  local passed = self.passed_over[peer_id] or { count = 0, numbers = {} }
  self.passed_over[peer_id] = passed
  local before = passed.numbers[id]
  if not before and passed.count == MOST_KNOWN then return end
  passed.numbers[id], passed.count = math.max(before or 0, number), passed.count + (before and 0 or 1)
end

---Takes a verdict, if it is newer than what is known, and by a namespace that decides here.
---@param verdict filo.Signed
---@param peer_id? string  who has told it; nil: it is made here
---@return boolean? taken, filo.Error?
function Roster:take_verdict(verdict, peer_id)
  local fields, err = signed.read(self.host, "verdict", verdict)
  if not fields then return nil, err end
  local id = self.host.crypto.hex(fields.member)
  local is_told_off = id == self.settings.id and fields.state == "forgotten" -- it is let in nowhere: it need not know
  if is_told_off or not self.settings.obeys(fields.namespace) then
    if peer_id then pass_over(self, peer_id, id, fields.number) end
    return false
  end
  local entry = self.members[id]
  if not entry and not has_room(self, fields.state == "forgotten") then return false end
  entry = entry_of(self, id)
  if not is_newer(fields.number, verdict.text, entry.decided, entry.verdict) then return false end
  use_verdict(entry, verdict, fields)
  self.unsaved = true
  note(self, id)
  self.settings.decided(entry)
  return true
end

---Others decide here by now: what they have decided is to be told anew.
function Roster:reconsider() self.passed_over = {} end

---Takes what the writers of a namespace want of its copies.
---@param given filo.Signed
---@return boolean? taken, filo.Error?
function Roster:take_policy(given) return self.policies:take(given) end

---Decides about a member, as who writes a namespace.
---@param id string
---@param state "forgotten"|"draining"|"member"
---@param keys filo.Keys
---@return filo.RosterEntry?, filo.Error?
function Roster:decide(id, state, keys)
  local entry = entry_of(self, id)
  local verdict = signed.make(self.host, "verdict", {
    member = self.host.crypto.unhex(id), state = state, number = entry.decided + 1, namespace = keys:raw_id(),
    time = self.host.time() // 1000000,
  }, keys)
  local taken, err = self:take_verdict(verdict)
  if taken then return entry end
  return nil, err or errors.new("invalid", "there is no room for more members: forget some that are gone for good")
end

-- Coming and going ----------------------------------------------------------------------------------------------------------------

---A member is connected.
---@param id string
function Roster:meet(id)
  local entry = self.members[id]
  if not entry or entry.up then return end
  self.unsaved = self.unsaved or entry.away ~= nil or not entry.met
  entry.met, entry.up, entry.since, entry.away, entry.why = true, true, self.host.now(), nil, nil
  self.changed:wake()
end

---It is not any more.
---@param id string
---@param err filo.Error  why
function Roster:lose(id, err)
  local entry = self.members[id]
  self.passed_over[id] = nil
  if not entry or not entry.up then return end
  entry.up, entry.since, entry.away, entry.why = false, self.host.now(), self.host.time() // 1000000, tostring(err)
  self.unsaved = true
  self.changed:wake()
end

---It could not be connected to.
---@param entry filo.RosterEntry
---@param err filo.Error
function Roster.fail(_, entry, err)
  if not entry.up then entry.why = tostring(err) end
end

-- Looking -------------------------------------------------------------------------------------------------------------------------

---Whether somebody who decides here has forgotten a node; and when, in seconds since 1970.
---@param id string
---@return boolean, integer?
function Roster:is_forgotten(id)
  local entry = self.members[id]
  return entry ~= nil and entry.decision == "forgotten", entry and entry.decided_at
end

---@param id string
---@return boolean
function Roster:is_member(id)
  local entry = self.members[id]
  return entry ~= nil and entry.record ~= nil and entry.decision ~= "forgotten"
end

---The members, in the order of their IDs, without those that were forgotten.
---@return filo.RosterEntry[]
function Roster:list()
  local list = {}
  for _, id in ipairs(sorted_keys(self.members)) do
    local entry = self.members[id]
    if entry.record and entry.decision ~= "forgotten" then list[#list + 1] = entry end
  end
  return list
end

---What a member is called; nil: it has no name that can be shown.
---@param entry filo.RosterEntry
---@return string?
function Roster.name_of(entry)
  local name = entry.about.name
  return type(name) == "string" and name ~= "" and #name <= 64 and format.printable(name) == name and name or nil
end

---The only member of a name, or whose ID begins so. Those that were forgotten are found by their IDs only.
---@param text string
---@return filo.RosterEntry?, filo.Error?
function Roster:find(text)
  local found = {}
  for _, id in ipairs(sorted_keys(self.members)) do
    local entry = self.members[id]
    local named = entry.decision ~= "forgotten" and Roster.name_of(entry) == text
    if named or #text >= 4 and id:sub(1, #text) == text:lower() then found[#found + 1] = entry end
  end
  if #found == 1 then return found[1] end
  if not found[1] then
    return errors.fail("not_found", ("there is no member '%s': 'filo peers' lists them"):format(format.printable(text)))
  end
  local ids = {}
  for i, entry in ipairs(found) do ids[i] = entry.id:sub(1, 16) end
  return errors.fail("invalid", ("there are several members '%s': give the start of an ID, of %s"):format(
    format.printable(text), format.several(ids, ", ")))
end

-- What another knows ---------------------------------------------------------------------------------------------------------------

local KNOWN = ">c32I8I8" -- node ID, number of the record, of the verdict

---What is known, this node's own record too, for a peer; and what it has told that does not count here.
---@param peer_id string
---@return {known: string, policies_known: string}
function Roster:known(peer_id)
  local unhex, own, passed = self.host.crypto.unhex, self.members[self.settings.id], self.passed_over[peer_id]
  passed = passed and passed.numbers or {}
  local decided = math.max(own and own.decided or 0, passed[self.settings.id] or 0)
  local parts = { KNOWN:pack(self.settings.raw_id, self.number, decided) }
  for _, id in ipairs(sorted_keys(self.members)) do
    local entry = self.members[id]
    if entry ~= own then parts[#parts + 1] = KNOWN:pack(unhex(id), entry.number, math.max(entry.decided, passed[id] or 0)) end
  end
  for _, id in ipairs(sorted_keys(passed)) do
    if #parts >= MOST_KNOWN then break end
    if not self.members[id] and id ~= self.settings.id then parts[#parts + 1] = KNOWN:pack(unhex(id), 0, passed[id]) end
  end
  return { known = table.concat(parts), policies_known = self.policies:known() }
end

---@class filo.RosterNews
---@field records filo.Signed[]
---@field verdicts filo.Signed[]
---@field policies filo.Signed[]

---What is newer than what somebody knows, as much as a message may have.
---@param theirs {known: string, policies_known: string}
---@param most integer  of each kind
---@return filo.RosterNews
function Roster:newer(theirs, most)
  local numbers, decided = {}, {}
  for at = 1, #theirs.known, KNOWN:packsize() do
    local raw_id, number, verdict = KNOWN:unpack(theirs.known, at)
    local id = self.host.crypto.hex(raw_id)
    numbers[id], decided[id] = number, verdict
  end
  local records, verdicts = {}, {}
  if (numbers[self.settings.id] or 0) < self.number then records[1] = self.own end
  for _, id in ipairs(sorted_keys(self.members)) do
    local entry = self.members[id]
    if entry.number > (numbers[id] or 0) and #records < most then records[#records + 1] = entry.record end
    if entry.decided > (decided[id] or 0) and #verdicts < most then verdicts[#verdicts + 1] = entry.verdict end
  end
  return { records = records, verdicts = verdicts, policies = self.policies:newer(theirs.policies_known, most) }
end

---Whether there is something that was neither spread nor saved.
---@return boolean
function Roster:has_news() return next(self.news) ~= nil or next(self.policies.news) ~= nil or self.unsaved and not self.problem end

---What is new since the last time that somebody asked.
---@param most integer  of each kind
---@return filo.RosterNews
function Roster:take_news(most)
  local records, verdicts = {}, {}
  for _, id in ipairs(sorted_keys(self.news)) do
    if #records == most or #verdicts == most then break end
    self.news[id] = nil
    local entry = self.members[id]
    if id == self.settings.id then records[#records + 1] = self.own end
    if entry then records[#records + 1], verdicts[#verdicts + 1] = entry.record, entry.verdict end
  end
  return { records = records, verdicts = verdicts, policies = self.policies:take_news(most) }
end

---@param given {host: filo.Host, root: string, loaded?: string|false, settings: table}
---  loaded: what the root has; nil: it keeps none. settings: id, raw_id, identity; say (function: addresses, about, capacity of this
---  node), may_join (function: whether a node with this ID may be a member), obeys (function: whether verdicts of a namespace count),
---  heard (function: an entry has another record), decided (function: it has another verdict), wished (function: another policy is wanted
---  of a namespace), report
---@return filo.Roster
return function(given)
  local self = setmetatable({
    host = given.host, root = given.root, settings = given.settings, members = {}, verified = {}, news = {}, number = 0, passed_over = {},
    changed = new_gate(given.host), saved = new_gate(given.host), unsaved = false, is_kept = given.loaded ~= nil,
  }, Roster)
  self.policies = new_policies { host = given.host, raw_id = given.settings.raw_id, changed = function(namespace)
    self.unsaved = true
    self.changed:wake()
    self.settings.wished(namespace)
  end, writes = function(namespace) return self.settings.writes(given.host.crypto.unhex(namespace)) end }
  if given.loaded then restore(self, given.loaded) end
  recall(self)
  self:renew()
  return self
end
