---Randomness that a seed decides: SplitMix64 (Steele, Lea, Flood 2014). Each purpose has a stream of its own, so that what is drawn for
---one does not move when another draws more.

---@class filo.sim.Random
---@field state integer
local Random = {}
Random.__index = Random

---@param state integer
---@return filo.sim.Random
local function new(state) return setmetatable({ state = state }, Random) end

local function mix(z)
  z = (z ~ (z >> 30)) * 0xbf58476d1ce4e5b9
  z = (z ~ (z >> 27)) * 0x94d049bb133111eb
  return z ~ (z >> 31)
end

---64 bits.
---@return integer
function Random:next()
  self.state = self.state + 0x9e3779b97f4a7c15
  return mix(self.state)
end

---A stream for a purpose, which depends on its name and on nothing that was drawn.
---@param name string
---@return filo.sim.Random
function Random:fork(name)
  local state = self.seed or self.state
  for i = 1, #name do state = mix((state ~ name:byte(i)) * 0x100000001b3) end
  local child = new(state)
  child.seed = state
  return child
end

---From 0 up to, not with, 1.
---@return number
function Random:unit() return (self:next() >> 11) * 0x1p-53 end

---@param low integer
---@param high integer
---@return integer
function Random:integer(low, high) return low + math.tointeger(self:unit() * (high - low + 1) // 1) end

---@param low number
---@param high number
---@return number
function Random:between(low, high) return low + self:unit() * (high - low) end

---@param probability number
---@return boolean
function Random:chance(probability) return self:unit() < probability end

---A time until something that happens once in `mean` on the average.
---@param mean number
---@return number
function Random:wait(mean) return -mean * math.log(1 - self:unit()) end

---One of a list.
function Random:pick(list) return list[self:integer(1, #list)] end

---@param count integer
---@return string
function Random:bytes(count)
  local parts = {}
  for i = 1, (count + 7) // 8 do parts[i] = string.pack("<i8", self:next()) end
  return table.concat(parts):sub(1, count)
end

---@param seed integer
---@return filo.sim.Random
return function(seed)
  local random = new(mix(seed + 0x9e3779b97f4a7c15))
  random.seed = random.state
  return random
end
