---Quotas: how much is kept here for others at most, in all (`total`), of each owner (`owner`), and of what each member, the node that
---brings it, has brought (`member`).
---
---What is here is read from the catalogue. What was taken since, and what is under way, is added to that: room is promised when a copy is
---offered, so that two cannot both take the last of it, and stays promised until a reading has seen the copy. A new version counts by how
---much more it takes than what lies in its place; should that go meanwhile, it counts whole. So what is known is never less than what is
---here, and where it seems too much it is read once more before anything is refused. A deletion counts nothing, and is never refused.

local errors = require "filo.base.errors"
local format = require "filo.base.format"
local new_locks = require "filo.host.lock"

---What an object counts beside its content: the least that a file takes on most disks.
local BLOCK = 4096

---Seconds for which a reading is good enough: copies may have gone, or been fetched by this node itself, since.
local FRESH = 1

---Seconds that are waited for a reading before what is known has to do.
local PATIENCE = 0.1

---Readings before a copy is refused, while others come that a reading may have seen or not.
local TRIES = 4

---@class filo.Quota  an option; nil: as much as there is room for
---@field total? integer  bytes
---@field owner? integer
---@field member? integer
---@field owners table<string, integer>  of these instead, by namespace, raw
---@field members table<string, integer>  of these instead, by node ID, raw

---@class filo.Tally  objects and bytes
---@field total filo.Amount
---@field owner table<string, filo.Amount>
---@field member table<string, filo.Amount>

---@alias filo.Amount {objects: integer, bytes: integer}

---@class filo.Promise  room for one copy, until the end of its scope or of its landing
---@field quotas filo.Quotas
---@field owner? string  namespace, raw; nil: it is none of what is counted
---@field bringer? string  node ID, raw: of whom the copy is to be noted to be
---@field place string  where it will lie
---@field size integer
---@field over? integer  the size of the object that it takes the place of
---@field same? boolean  which the same member has brought
---@field landing? filo.Landing  which ends it
local Promise = {}
Promise.__index = Promise

---@class filo.Quotas
---@field known? filo.Tally  what was here at the last reading
---@field settled filo.Tally  what has come since that began
---@field moving filo.Tally  what is under way
---@field places table<string, filo.Promise[]>  under way, by place
---@field begun integer  readings
local Quotas = {}
Quotas.__index = Quotas

local function new_tally() return { total = { objects = 0, bytes = 0 }, owner = {}, member = {} } end

---@param given {host: filo.Host, disk: table, catalogue: filo.Catalogue, kept: filo.KeptVersions, hooks: filo.Hooks,
---  quota: (fun(): filo.Quota?), writes: fun(raw_id: string): boolean}  writes: this node does, of a namespace, which is then its own
---@return filo.Quotas
local function new(given)
  local self = setmetatable({
    settled = new_tally(), moving = new_tally(), places = {}, begun = 0, told = {}, turns = new_locks(given.host), read_at = -math.huge,
    rests_until = -math.huge,
  }, Quotas)
  for name, value in pairs(given) do self[name] = value end
  return self
end

---What objects and bytes count.
---@param amount filo.Amount
---@return integer  bytes
local function counted(amount) return amount.bytes + BLOCK * amount.objects end

-- Adding up -----------------------------------------------------------------------------------------------------------

local function add_to(of, whose, objects, bytes)
  local amount = of[whose] or { objects = 0, bytes = 0 }
  amount.objects, amount.bytes = amount.objects + objects, amount.bytes + bytes
  of[whose] = (amount.objects ~= 0 or amount.bytes ~= 0) and amount or nil
end

---How many objects and bytes a promise adds to what is here.
local function growth(promise, over)
  if not promise.size then return 0, 0 end -- a deletion
  return over and 0 or 1, math.max(0, promise.size - (over or 0))
end

---@param times integer  1 or -1
local function add(tally, promise, times)
  local objects, bytes = growth(promise, promise.over)
  tally.total.objects, tally.total.bytes = tally.total.objects + times * objects, tally.total.bytes + times * bytes
  add_to(tally.owner, promise.owner, times * objects, times * bytes)
  objects, bytes = growth(promise, promise.same and promise.over or nil)
  add_to(tally.member, promise.bringer, times * objects, times * bytes)
end

local NOTHING = { objects = 0, bytes = 0 }

local function amount_in(tally, kind, whose)
  if not tally then return NOTHING end
  if kind == "total" then return tally.total end
  return tally[kind][whose] or NOTHING
end

---What is here and what will be.
---@param kind "total"|"owner"|"member"
---@param whose? string  raw
---@return filo.Amount
function Quotas:amount(kind, whose)
  local sum = { objects = 0, bytes = 0 }
  for _, name in ipairs { "known", "covered", "settled", "moving" } do
    local amount = amount_in(self[name], kind, whose)
    sum.objects, sum.bytes = sum.objects + amount.objects, sum.bytes + amount.bytes
  end
  return sum
end

-- Reading -------------------------------------------------------------------------------------------------------------

---@param owners filo.core.Usage[]
---@param bringers filo.core.Usage[]
---@return filo.Tally
local function tally_of(self, owners, bringers)
  local tally = new_tally()
  for _, of in ipairs { owners, self.kept:usage() } do
    for _, usage in ipairs(of) do
      if not self.writes(usage.namespace) then
        add_to(tally.owner, usage.namespace, usage.objects, usage.bytes)
        tally.total.objects, tally.total.bytes = tally.total.objects + usage.objects, tally.total.bytes + usage.bytes
      end
    end
  end
  for _, usage in ipairs(bringers) do add_to(tally.member, usage.bringer, usage.objects, usage.bytes) end
  return tally
end

---Reads what is here; not when somebody else has begun to since this was called.
---@return true?, filo.Error?  "busy": that is not known yet
local function read(self)
  local before, host = self.begun, self.host
  local _ <close> = self.turns:take "reading"
  if self.begun > before then return true end
  local state = self.catalogue:state()
  if state ~= "ready" and state ~= "failed" then return errors.fail("busy", "it is counting what it keeps: try again in a while") end
  local began = host.now()
  self.begun = self.begun + 1
  self.covered, self.settled = self.settled, new_tally()
  self.known = tally_of(self, self.catalogue:usage())
  self.covered, self.read_at = nil, began
  self.rests_until = host.now() + host.limits.walk_share * (host.now() - began)
  return true
end

---Where the catalogue cannot be used all files are read for it: not all the time.
local function read_if_stale(self)
  local now = self.host.now()
  if self.known and (now < self.read_at + FRESH or now < self.rests_until) then return true end
  return read(self)
end

local function read_again(self)
  local rest = self.rests_until - self.host.now()
  if rest > PATIENCE then return true end
  if rest > 0 then self.host.sleep(rest) end
  return read(self)
end

-- Promises ------------------------------------------------------------------------------------------------------------

---Others for the same place, and what lies there, may come and go in any order: each counts whole from now on.
local function count_whole(self, place)
  for _, promise in ipairs(self.places[place] or {}) do
    if promise.over then
      add(self.moving, promise, -1)
      promise.over, promise.same = nil, nil
      add(self.moving, promise, 1)
    end
  end
end

---What lay at a place is gone.
function Quotas:lost(namespace, path) count_whole(self, namespace .. path) end

---Looks what the copy would take the place of. True when that is no older: nothing will come of it.
local function look(self, promise, fields, path, record)
  local there, its_record, _, _, bringer = self.disk:sealed(fields.namespace, path, 0, true)
  promise.over, promise.same = nil, nil
  if not there then return false end
  if its_record == record or there.version >= fields.version then return true end
  if there.tombstone or self.places[promise.place] then return false end
  if self.kept:keeps(fields.namespace, fields.class) then return false end -- what is there stays
  promise.over, promise.same = there.size, bringer == promise.bringer
  return false
end

---The first bound that a promise is beyond: its kind, the bound, and what there is.
---@return string? kind, integer? most, integer? has, integer? excess
local function beyond(self, quota, promise)
  local bounds = {
    { "total", quota.total }, { "owner", quota.owners[promise.owner] or quota.owner, promise.owner },
    { "member", quota.members[promise.bringer] or quota.member, promise.bringer },
  }
  for _, bound in ipairs(bounds) do
    local kind, most, whose = bound[1], bound[2], bound[3]
    local objects, bytes = growth(promise, (kind ~= "member" or promise.same) and promise.over or nil)
    local more = counted { objects = objects, bytes = bytes }
    local has = most and counted(self:amount(kind, whose))
    if most and more > 0 and has + more > most then return kind, most, has, has + more - most end
  end
end

local WHOSE = { total = "for others", owner = "for this owner", member = "of what this node brings" }

---Hooks are told of each that is refused, once in a while.
local function tell(self, kind, most, has, promise, peer)
  local now, limits = self.host.now(), self.host.limits
  local name = kind .. (kind == "total" and "" or promise[kind == "owner" and "owner" or "bringer"])
  if not self.told_since or now - self.told_since >= limits.report then self.told, self.told_since, self.told_count = {}, now, 0 end
  if self.told[name] or self.told_count >= limits.reports then return end
  self.told[name], self.told_count = true, self.told_count + 1
  local hex = self.host.crypto.hex
  self.hooks:announce("quota", { what = kind, owner = hex(promise.owner), most = most, has = has, size = promise.size }, peer)
end

---@return filo.Error
local function refusal(kind, most, has, promise)
  return errors.new("no_space", ("refused: it keeps %s %s at most, and has %s, without the %s of this"):format(
    format.bytes(most), WHOSE[kind], format.bytes(has), format.bytes(promise.size)))
end

---@return true?, filo.Error?
local function judge(self, quota, promise, fields, path, record, peer)
  local ok, err = read_if_stale(self)
  for try = 0, TRIES do
    if not ok then return nil, err end
    if look(self, promise, fields, path, record) then
      promise.owner = nil
      return true
    end
    local kind, most, has, excess = beyond(self, quota, promise)
    if not kind then return true end
    -- Before live data of an owner is refused, old versions of his go.
    while kind and try > 0 and kind ~= "member" and self.kept:give_way(fields.namespace, excess) > 0 do
      ok, err = read(self)
      if not ok then return nil, err end
      kind, most, has, excess = beyond(self, quota, promise)
    end
    if not kind then return true end
    if try == TRIES or try > 0 and counted(self.settled.total) == 0 then
      tell(self, kind, most, has, promise, peer)
      return nil, refusal(kind, most, has, promise)
    end
    ok, err = read_again(self)
  end
end

---Promises room for a copy that a peer offers; nil and an error when that is beyond a quota.
---@param fields filo.core.Fields
---@param path string
---@param record string
---@param peer filo.peers.Peer
---@return filo.Promise?, filo.Error?
function Quotas:take(fields, path, record, peer)
  local promise = setmetatable({ quotas = self }, Promise)
  if self.writes(fields.namespace) then return promise end
  local place = fields.namespace .. path
  promise.owner, promise.bringer, promise.place = fields.namespace, self.host.crypto.unhex(peer.id), place
  promise.size = not fields.tombstone and fields.size or nil
  local quota = self.quota()
  if quota and promise.size then
    local ok, err = judge(self, quota, promise, fields, path, record, peer)
    if not ok then return nil, err end
    if not promise.owner then return promise end
  end
  count_whole(self, place)
  self.places[place] = self.places[place] or {}
  table.insert(self.places[place], promise)
  add(self.moving, promise, 1)
  return promise
end

local function leave(self, promise)
  local list = self.places[promise.place]
  for i, each in ipairs(list) do
    if each == promise then table.remove(list, i) end
  end
  if not list[1] then self.places[promise.place] = nil end
end

---It is under way no more.
local function finish(promise)
  local self = promise.quotas
  if not promise.owner then return end
  leave(self, promise)
  add(self.moving, promise, -1)
end

---The copy is here.
function Promise:keep()
  local quotas = self.quotas
  if not self.owner then return end
  finish(self)
  if quotas.begun > 0 then add(quotas.settled, self, 1) end
  self.owner = nil
  if not self.size then count_whole(quotas, self.place) end
end

---Nothing comes of it, unless it was kept.
function Promise:give_back()
  finish(self)
  self.owner = nil
end

function Promise:__close()
  if not self.landing then self:give_back() end
end

-- What is known ---------------------------------------------------------------------------------------------------------

---What a policy may know: how much is here, of all others, of an owner, and of what a member has brought.
---@param owner string  namespace, raw
---@param member string  node ID
---@return {objects: integer, bytes: integer, owner: filo.Amount, member: filo.Amount}?, filo.Error?
function Quotas:usage_of(owner, member)
  local ok, err = read_if_stale(self)
  if not ok then return nil, err end
  local total = self:amount "total"
  return {
    objects = total.objects, bytes = total.bytes, owner = self:amount("owner", owner),
    member = self:amount("member", self.host.crypto.unhex(member)),
  }
end

---The bound of one, in bytes; nil: there is none.
---@param kind "total"|"owner"|"member"
---@param whose? string  raw
---@return integer?
function Quotas:most(kind, whose)
  local quota = self.quota()
  if not quota or kind == "total" then return quota and quota.total end
  return quota[kind .. "s"][whose] or quota[kind]
end

return { new = new, counted = counted }
