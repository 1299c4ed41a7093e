---Versions: numbers that grow, which say when an object was written and, in their last ten bits, who did. So two writers of a namespace
---hardly ever make the same one; if they do, the nonce of the record decides (core/README.md).
---
---A version is microseconds since 1970, rounded down to a multiple of 1024, and the writer's number. The clock is a hybrid one: it is never
---behind a version that was seen, whatever the clock of this machine says.

local GRAIN = 1024

---@class filo.Versions
---@field writer integer  0 to 1023
---@field seen integer  the largest that came from elsewhere
local Versions = {}
Versions.__index = Versions

---@param given {host: filo.Host, id: string}  id: the node's, raw
---@return filo.Versions
local function new(given)
  local writer = ("<I2"):unpack(given.host.crypto.digest("sha256", given.id)) % GRAIN
  return setmetatable({ host = given.host, writer = writer, seen = 0 }, Versions)
end

---A clock that is further ahead is wrong, and nobody follows it: of that one object its versions count all the same.
local MOST_AHEAD = 86400 * 1000000

---Notes a version that another node made.
---@param version integer
function Versions:note(version)
  if version <= self.host.time() + MOST_AHEAD then self.seen = math.max(self.seen, version) end
end

local LAST = math.maxinteger - 3 * GRAIN

---A version that is later than one that is known, also than a rewrapping of that one which is not known yet.
---@param known integer  0: none
---@return integer?  nil: there is none
function Versions:after(known)
  if known > LAST then return nil end
  local now = math.max(self.host.time(), self.seen) // GRAIN
  return math.max(now, known // GRAIN + 2) * GRAIN + self.writer
end

---The version of what changes one without its content. What is written elsewhere counts, although that is not known here yet: so the clock
---does not.
---@param known integer
---@return integer?  nil: there is none
function Versions:above(known)
  if known > LAST then return nil end
  return (known // GRAIN + 2) * GRAIN + self.writer
end

---The version of what is no more than the rewrapping of one, so many generations later: next to it, whatever the clock says, so that what
---somebody writes counts; and the same whoever does it, in one step or in several.
---@param known integer
---@param generations integer
---@return integer?  nil: there is none
local function beside(known, generations) return known <= LAST - generations * GRAIN and known + generations * GRAIN or nil end

---Whether of two records of one object the first counts.
---@param a filo.core.Fields
---@param b filo.core.Fields
---@return boolean
local function newer(a, b) return a.version > b.version or a.version == b.version and a.nonce > b.nonce end

return { new = new, newer = newer, beside = beside }
