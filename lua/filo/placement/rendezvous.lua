---Ranks members for an object by weighted rendezvous hashing (Thaler and Ravishankar, 1998): each member draws a number from the object's
---key hash and its own ID, and the highest come first. Every node ranks alike; a member that leaves gives up its own places only, one that
---comes takes some and moves no others.
---
---The number is -w / ln u, with u evenly from 0 to 1: the chance to be first is then in proportion to the weight w, which is the member's
---capacity. One that names none counts as one of 10^12 bytes, whoever else there is: a mean of the others would move copies with each of
---them.

local rendezvous = {}

local UNKNOWN_CAPACITY = 1e12

local KEY_START, ID_START = 0x243f6a8885a308d3, 0x13198a2e03707344 -- digits of pi

local log, unpack = math.log, string.unpack

---64 bits that follow from a text, and from where they start.
local function hash(text, h)
  local words = #text - #text % 8
  for at = 1, words, 8 do
    h = (h ~ unpack("<i8", text, at)) * 0x9e3779b97f4a7c15
    h = h ~ h >> 32
  end
  for at = words + 1, #text do
    h = (h ~ text:byte(at)) * 0x9e3779b97f4a7c15
    h = h ~ h >> 32
  end
  return h
end

---Those of IDs, which are asked for again and again, and take five times as long as all else of a score.
local of_ids, kept, KEPT_MOST = {}, 0, 4096

local function hash_of_id(id)
  local h = of_ids[id]
  if h then return h end
  if kept >= KEPT_MOST then of_ids, kept = {}, 0 end
  h, kept = hash(id, ID_START), kept + 1
  of_ids[id] = h
  return h
end

---What a member draws for an object.
---@param seed integer  of the object: see `seed`
---@param id string
---@param weight number
---@return number
function rendezvous.score(seed, id, weight)
  local h = seed ~ hash_of_id(id)
  h = (h ~ h >> 33) * 0xff51afd7ed558ccd
  h = (h ~ h >> 33) * 0xc4ceb9fe1a85ec53
  h = h ~ h >> 33
  return -weight / log(((h >> 12) + 0.5) * 0x1p-52) -- never the logarithm of 0 or 1
end

---@param key_hash string
---@return integer
function rendezvous.seed(key_hash) return hash(key_hash, KEY_START) end

---The members in the order of their ranks.
---@param object {key_hash: string}
---@param members filo.placement.Member[]
---@return filo.placement.Member[]
function rendezvous.rank(object, members)
  local seed, list, scores = rendezvous.seed(object.key_hash), {}, {}
  for i, member in ipairs(members) do
    list[i], scores[member] = member, rendezvous.score(seed, member.id, member.capacity or UNKNOWN_CAPACITY)
  end
  table.sort(list, function(a, b)
    if scores[a] == scores[b] then return a.id < b.id end
    return scores[a] > scores[b]
  end)
  return list
end

return rendezvous
