---Scrubbing: all copies that lie here, those for others and deletions too, are read and hashed again in time, in rounds. A round takes up
---to half of the period of the option `scrub`, so that no copy waits longer than that. Those come first of which it is longest ago, as
---each file tells itself: so a round goes on after a restart where it was, and what was hashed meanwhile by any other means is left out.
---How far a round is stands in a note in the root; without it another round begins.

local at_end = require "filo.host.at_end"
local new_gate = require "filo.host.gate"

---What one costs beside the bytes of its content: it has to be found and opened.
local COST = 64 << 10

---Clocks are set: a time that is later than now was none. What is hashed meanwhile is so close to now.
local AHEAD = 2

---@class filo.ScrubRound
---@field began integer  seconds since 1970
---@field up_to integer  the same: what was hashed later is left out
---@field objects integer  so far; deletions are among them
---@field bytes integer
---@field bad integer
---@field healed integer
---@field place filo.AgePlace
---@field life? string  of the catalogue, in which the place means something

---@class filo.ScrubReport
---@field began integer  seconds since 1970
---@field objects integer  hashed; deletions are among them
---@field bytes integer  of their content
---@field bad integer  of these
---@field healed integer  so many bad ones were good again at its end
---@field wanted integer  copies that are bad here and still to be healed
---@field seconds integer

---@class filo.Scrub
---@field round? filo.ScrubRound  the one that goes on
---@field left? {objects: integer, bytes: integer}  of it; nil: that is not known
---@field last? filo.ScrubReport
---@field hurry? {waiting: integer, report: filo.ScrubReport?}  somebody waits for the round that goes on
local Scrub = {}
Scrub.__index = Scrub

---@param given {host: filo.Host, disk: table, catalogue: filo.Catalogue, verifier: filo.Verifier, names: filo.Names, tasks: filo.Tasks,
---  hooks: filo.Hooks, healing: filo.Healing, every: fun(): number?}  every: the period; nil: it is switched off
---@return filo.Scrub
local function new(given)
  local self = setmetatable({ owed = 0, noted = 0, turned = new_gate(given.host) }, Scrub)
  for name, value in pairs(given) do self[name] = value end
  return self
end

local function seconds_now(self) return self.host.time() // 1000000 end

-- The note ----------------------------------------------------------------------------------------------------------------

local NOTE = "scrub"

local function numbers(from, ...)
  if type(from) ~= "table" then return false end
  for _, name in ipairs { ... } do
    if math.type(from[name]) ~= "integer" then return false end
  end
  return true
end

local function is_round(round)
  return numbers(round, "began", "up_to", "objects", "bytes", "bad", "healed") and numbers(round.place, "verified", "size", "id")
    and (round.life == nil or type(round.life) == "string")
end

---Whatever makes no sense counts for nothing.
local function load(self)
  local bytes = self.disk:read_note(NOTE)
  local note = bytes and self.host.decode(bytes)
  if type(note) ~= "table" then return end
  if is_round(note.round) and note.round.began <= seconds_now(self) then self.round = note.round end
  if numbers(note.last, "began", "objects", "bytes", "bad", "healed", "wanted", "seconds") then self.last = note.last end
end

local function save(self)
  self.noted = self.host.now()
  local ok, err = self.disk:write_note(NOTE, self.host.encode { round = self.round, last = self.last })
  local problem = not ok and err.code ~= "closed" and tostring(err) or nil
  if problem and problem ~= self.told then self.host.log("warning", "it cannot be noted how far the scrub is: " .. problem) end
  self.told = problem
end

-- Pace --------------------------------------------------------------------------------------------------------------------

---After what has taken so many seconds: who serves others gets the rest of the time. Many small rests are one.
local function rest(self, seconds, bytes)
  if self.hurry then return end
  local limits = self.host.limits
  self.owed = self.owed + math.max(seconds * limits.scrub_share, bytes / limits.scrub_rate - seconds)
  if self.owed < limits.scrub_rest then return end
  local owed = self.owed
  self.owed = 0
  self.turned:wait(owed)
end

---Waits while the round is ahead of its time. False: it is not to go on.
local function keep_pace(self, round)
  while not self.hurry do
    local every = self.every()
    if not every then return false end
    local left = self.left
    local done, all = round.bytes + COST * round.objects, round.bytes + left.bytes + COST * (round.objects + left.objects)
    round.began = math.min(round.began, seconds_now(self)) -- the clock was set back
    local ahead = round.began + every / 2 * done / math.max(1, all) - seconds_now(self)
    if ahead < 1 then return true end
    self.turned:wait(math.min(ahead, self.host.limits.scrub_look))
  end
  return self.round == round
end

-- A round -----------------------------------------------------------------------------------------------------------------

---Failures that say nothing of the copy.
local OTHERS = { not_found = true, closed = true, no_memory = true, cancelled = true, unsupported = true }

---Hashes one; a bad one is set aside, and wanted from then on. One that cannot be read stays, and is tried again.
local function check(self, round, namespace, path, row)
  local host = self.host
  local before = host.now()
  local ok, err = self.verifier:check(namespace, path, function(bytes)
    local now = host.now()
    rest(self, now - before, bytes)
    before = host.now()
  end)
  rest(self, host.now() - before, 0)
  if ok or OTHERS[err.code] then return end
  round.bad = round.bad + 1
  if err.code == "corrupt" then return end
  host.log("error", "a copy here cannot be read: " .. tostring(err))
  if not row.key_hash then return end
  self.healing:add {
    namespace = namespace, path = path, key_hash = row.key_hash, version = row.version, key = row.name, stays = true,
    replaceable = err.code == "io", problem = tostring(err),
  }
end

---Whether it was hashed since the round began, by whoever did.
local function was_hashed(self, round, namespace, path)
  local fields, _, _, verified = self.disk:sealed(namespace, path, 0, true)
  return fields and verified and verified > round.up_to and verified <= seconds_now(self) + AHEAD
end

local function look_at(self, round, row)
  local path, size = row.path or row.key_hash and self.names:path(row.key_hash), row.size or 0
  if path and not was_hashed(self, round, row.namespace, path) then
    check(self, round, row.namespace, path, row)
    round.objects, round.bytes = round.objects + 1, round.bytes + size
  end
  self.left.objects, self.left.bytes = math.max(0, self.left.objects - 1), math.max(0, self.left.bytes - size)
end

---Goes over copies that were hashed up to a time, from a place in their order on. False: the round is not to go on.
local function go_over(self, round, place, until_time)
  local healed, soon = self.healing.healed - round.healed, {}
  for row in self.catalogue:oldest(place, until_time) do
    if not keep_pace(self, round) then return false end
    local is_soon = row.id and seconds_now(self) <= round.up_to
    if not (row.id and soon[row.id]) then -- hashed in the second in which the round began
      look_at(self, round, row)
    end
    if is_soon then soon[row.id] = true end
    if row.id then place.verified, place.size, place.id = row.verified, row.size, row.id end
    round.healed = self.healing.healed - healed
    if self.host.now() - self.noted >= self.host.limits.scrub_note then save(self) end
    if self.round ~= round then return false end
  end
  return true
end

local function start_of(verified) return { verified = verified, size = 0, id = 0 } end

---How much there is of a round; its place means nothing in a catalogue that was made anew.
local function measure(self, round)
  local objects, bytes, life = self.catalogue:older(round.place, round.up_to)
  if life and life ~= round.life then
    round.place, round.life = start_of(-1), life
    objects, bytes = self.catalogue:older(round.place, round.up_to)
  end
  self.left = { objects = objects or 0, bytes = bytes or 0 }
end

local function finish(self, round)
  local wanted = self.healing:status(0)
  self.last = {
    began = round.began, objects = round.objects, bytes = round.bytes, bad = round.bad, healed = round.healed, wanted = wanted,
    seconds = math.max(0, seconds_now(self) - round.began),
  }
  if self.hurry then self.hurry.report = self.last end
  self.round, self.left, self.hurry = nil, nil, nil
  save(self)
  self.hooks:announce("scrubbed", self.last)
  self.turned:wake()
end

local function run_round(self, round)
  measure(self, round)
  local before = self.healing.healed - round.healed
  if not go_over(self, round, round.place, round.up_to) then return end
  if not go_over(self, round, start_of(seconds_now(self) + AHEAD), math.maxinteger) then return end -- hashed in times to come
  for row in self.catalogue:problems() do
    check(self, round, row.namespace, row.path, row)
    round.objects = round.objects + 1
  end
  self.healing:settle(self.hurry ~= nil)
  round.healed = self.healing.healed - before
  if self.round == round then finish(self, round) end
end

-- Rounds ------------------------------------------------------------------------------------------------------------------

---Of one that is asked for, nothing is left out but what is hashed from now on.
local function begin(self)
  local now = seconds_now(self)
  self.round = {
    began = now, up_to = self.hurry and now or now - 1, objects = 0, bytes = 0, bad = 0, healed = 0, place = start_of(-1),
  }
end

---Until the next round is to begin, or one that was begun to go on.
local function wait_for_turn(self)
  while not self.hurry do
    local every, look = self.every(), self.host.limits.scrub_look
    local due = self.last and every and self.last.began + every / 2 or 0
    local left = due - seconds_now(self)
    if every and (self.round or left <= 0 or left > every) then return end
    self.turned:wait(every and math.min(left, look) or look)
  end
end

local function run(self)
  self.turned:wait_for(function() return self.hurry end, self.host.limits.scrub_first)
  local _ <close> = at_end(function() save(self) end)
  while true do
    wait_for_turn(self)
    if not self.round then begin(self) end
    run_round(self, self.round)
  end
end

-- What others ask ---------------------------------------------------------------------------------------------------------

---From now on.
function Scrub:start()
  load(self)
  self.tasks:spawn(run, self)
end

---Has a round begin now, which goes as fast as it can while somebody waits for it, and waits for its end. One that others have asked for
---will do.
---@return filo.ScrubReport
function Scrub:ask()
  if not self.hurry then
    self.hurry = { waiting = 0 }
    begin(self)
  end
  local hurry = self.hurry
  hurry.waiting = hurry.waiting + 1
  local _ <close> = at_end(function()
    hurry.waiting = hurry.waiting - 1
    if hurry.waiting == 0 and self.hurry == hurry then self.hurry = nil end
  end)
  self.turned:wake()
  return self.turned:wait_for(function() return hurry.report end)
end

---@class filo.ScrubStatus
---@field every? number  seconds; nil: it is switched off
---@field round? {began: integer, objects: integer, bytes: integer, bad: integer, healed: integer, left?: integer, left_bytes?: integer}
---@field last? filo.ScrubReport

---How far it is.
---@return filo.ScrubStatus
function Scrub:status()
  local round, left = self.round, self.left
  return {
    every = self.every(), last = self.last, round = round and {
      began = round.began, objects = round.objects, bytes = round.bytes, bad = round.bad, healed = round.healed,
      left = left and left.objects, left_bytes = left and left.bytes,
    },
  }
end

return new
