---Copies on their way between machines where all is well, as messages on the lines tell of them: one that is missing is brought by one who
---has it, not by all. What an owner sends of its own is not looked at, since others need not know that it does.

local core_store = require "filo.core.store"
local record = require "filo.sim.record"
local runtime = require "filo.core.runtime"

---@class filo.sim.Traffic
---@field copies integer  that were offered or sent
---@field again integer  of these, those that another had offered or sent at about the same time
---@field recent table<string, filo.sim.Machine>  who did it last, by receiver, object and version, since `since`
---@field before table<string, filo.sim.Machine>  in the while before that
---@field since number
local Traffic = {}
Traffic.__index = Traffic

---Seconds: others who have the object wait for longer than that before they do what one has not done; and all is well where nothing was
---wrong for so long.
local AT_ONCE, WELL = 25, 120

---The fields of the object that a message brings to who is sent it; nil: it brings none.
local function brought_by(message)
  local body = message.body
  local brings = message.topic == "offer" or message.topic == "store" and body.body
  local fields = brings and record.peek(body.record)
  return fields and not fields.tombstone and fields or nil
end

local function turn(self, now)
  if now - self.since < AT_ONCE then return end
  self.before = now - self.since < 2 * AT_ONCE and self.recent or {}
  self.recent, self.since = {}, now
end

---Whether all is well at both, and the one has a good copy: who does not know that his is bad sends it in vain.
local function is_well(from, to, fields, now)
  local file = from.disk:file(fields.namespace, core_store.cas_path("sha1", 2, 1, fields.key_hash))
  return file ~= nil and file.intact and from:was_calm(now - WELL) and to:was_calm(now - WELL)
end

---A message is on its way.
---@param from filo.sim.Machine
---@param to filo.sim.Machine
function Traffic:see(from, to, message)
  local fields, now = brought_by(message), runtime.now()
  if not fields or from.disk.namespace == fields.namespace then return end
  turn(self, now)
  local copy = (">I4"):pack(to.index) .. fields.namespace .. fields.key_hash .. (">I8"):pack(fields.version)
  local other = self.recent[copy] or self.before[copy]
  self.recent[copy] = from
  if other == from or not is_well(from, to, fields, now) then return end
  self.copies = self.copies + 1
  if other then self.again = self.again + 1 end
end

---Copies that others had sent at the same time: more, and so many more, that no chance explains them.
local FEW, SHARE = 8, 0.15

---Whether more was sent than had to be.
---@return boolean
function Traffic:is_too_much() return self.again > FEW + SHARE * self.copies end

---@return filo.sim.Traffic
return function() return setmetatable({ copies = 0, again = 0, recent = {}, before = {}, since = 0 }, Traffic) end
