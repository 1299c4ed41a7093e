---Who of those that came has to leave for another.

local crowd = require "filo.peers.crowd"
local new_random = require "filo.sim.random"

local Crowd = {}
Crowd.__index = Crowd

---Peers that come one after the other, with room for some. What is by chance follows from the seed.
local function new(room, seed)
  local random = new_random(seed or 1)
  local host = { limits = { peers = room }, random = function(count) return random:bytes(count) end }
  return setmetatable({ host = host, peers = {}, listed = {}, proven = {} }, Crowd)
end

---Lets one come; gives the one that leaves.
function Crowd:come(id, address, is_dialled)
  table.insert(self.peers, { id = id, address = address, connection = { is_dialler = function() return is_dialled or false end } })
  table.sort(self.peers, function(a, b) return a.id < b.id end)
  local leaves = crowd.one_too_many(self.host, self.peers, self.listed, function(peer) return self.proven[peer.id] or false end)
  for i, each in ipairs(self.peers) do
    if each == leaves then table.remove(self.peers, i) end
  end
  return leaves
end

---How many are here with such an ID.
function Crowd:count(pattern)
  local count = 0
  for _, each in ipairs(self.peers) do
    if each.id:find(pattern) then count = count + 1 end
  end
  return count
end

describe("a crowd", function()
  -- Where each came from another place, and its ID was below all others, nobody left: 2000 stayed where there was room for 256.
  it("is bounded, wherever those come from who make it up, and in whatever order", function()
    for _, sources in ipairs { 1, 2, 7, 200 } do
      for _, step in ipairs { 1, -1 } do
        local here, most = new(16), 0
        for i = 1, 200 do
          here:come(("%06d"):format(1000 + step * i), ("10.0.0.%d:1"):format(i % sources))
          most = math.max(most, #here.peers)
        end
        assert.same({ 16, 16 }, { most, #here.peers })
      end
    end
  end)

  it("loses one from where most have come", function()
    for seed = 1, 20 do
      local here = new(4, seed)
      here:come("first", "10.0.0.1:1")
      here:come("second", "10.0.0.2:1")
      here:come("one of two", "10.0.0.3:1")
      assert.is_nil(here:come("two of two", "10.0.0.3:2"))
      assert.matches("of two", here:come("last", "10.0.0.4:1").id)
    end
  end)

  -- It was always the one with the lowest ID, and never who had come last.
  it("loses anyone, and the last to come as well, when as many have come from each place", function()
    local left = {}
    for seed = 1, 200 do
      local here = new(2, seed)
      here:come("low", "10.0.0.1:1")
      here:come("middle", "10.0.0.2:1")
      local id = here:come("top", "10.0.0.3:1").id
      left[id] = (left[id] or 0) + 1
    end
    for _, id in ipairs { "low", "middle", "top" } do assert.is_true(left[id] > 35) end
  end)

  it("keeps who was dialled, and who is listed", function()
    local here = new(4)
    for i = 1, 9 do here:come("dialled " .. i, "10.0.0.5:" .. i, true) end
    for i = 1, 9 do here.listed["listed " .. i] = true end
    for i = 1, 9 do here:come("listed " .. i, "10.0.0.6:" .. i) end
    for i = 1, 50 do here:come("any " .. i, "10.0.1.1:" .. i) end
    assert.same({ 9, 9, 4 }, { here:count "dialled", here:count "listed", here:count "any" })
  end)

  -- Whoever a script lets in, with an address for each identity, pushed out who had proved that he belongs here.
  it("loses who proved to know the cluster secret only when there is nobody else", function()
    local here = new(4)
    for i = 1, 9 do here.proven["proven " .. i] = true end
    for i = 1, 3 do here:come("proven " .. i, "10.0.0.7:" .. i) end
    for i = 1, 50 do here:come("any " .. i, ("10.0.1.%d:1"):format(i)) end
    assert.same({ 3, 1 }, { here:count "proven", here:count "any" })
    for i = 4, 9 do here:come("proven " .. i, "10.0.0.7:" .. i) end
    assert.same({ 4, 0 }, { here:count "proven", here:count "any" })
  end)
end)
