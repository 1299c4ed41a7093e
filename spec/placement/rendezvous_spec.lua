---Ranks: how copies are shared out, and what moves when members come and go.

local filo = require "filo"
local rendezvous = require "filo.placement.rendezvous"

local KEYS = 10000

local function key_hash(i) return filo.crypto.digest("sha256", "key " .. i) end

---Members with IDs as nodes have them, and with these capacities.
local function members(...)
  local list = {}
  for i, capacity in ipairs { ... } do
    list[i] = { id = filo.crypto.hex(filo.crypto.digest("sha256", "node " .. i)), capacity = capacity or nil, about = {}, tags = {} }
  end
  return list
end

---The members, by ID, that hold a copy of each key.
local function holders(list, copies)
  local of = {}
  for i = 1, KEYS do
    of[i] = {}
    if i % 1000 == 0 then filo.sleep(0) end
    for rank, member in ipairs(rendezvous.rank({ key_hash = key_hash(i) }, list)) do
      if rank <= copies then of[i][member.id] = true end
    end
  end
  return of
end

local function count(of)
  local counts = {}
  for i = 1, KEYS do
    for id in pairs(of[i]) do counts[id] = (counts[id] or 0) + 1 end
  end
  return counts
end

---How many copies a member has after that it had not before.
local function gained(before, after)
  local counts, sum = {}, 0
  for i = 1, KEYS do
    for id in pairs(after[i]) do
      if not before[i][id] then counts[id], sum = (counts[id] or 0) + 1, sum + 1 end
    end
  end
  return counts, sum
end

local function is_near(expected, given)
  assert(math.abs(given - expected) <= 0.04 * expected, ("%g expected, not %g"):format(expected, given))
end

describe("a rank", function()
  it("comes first as often as the capacity is worth", function()
    local list = members(1 << 40, 2 << 40, 4 << 40)
    local counts = count(holders(list, 1))
    for i, weight in ipairs { 1, 2, 4 } do is_near(KEYS * weight / 7, counts[list[i].id]) end
  end)

  it("is as good as any other where nobody tells a capacity, and as one of 10^12 bytes beside who does", function()
    local list = members(false, false, false, false)
    for _, held in pairs(count(holders(list, 2))) do is_near(KEYS * 2 / 4, held) end
    list = members(false, 1000000000000)
    for _, held in pairs(count(holders(list, 1))) do is_near(KEYS / 2, held) end
  end)

  it("is the same whoever else is there, so that who leaves moves its own copies only", function()
    local list = members(1, 2, 3, 4, 5, 6, 7, 8, 9, 10)
    local before = holders(list, 3)
    local gone = table.remove(list, 7)
    local after = holders(list, 3)
    local _, moved = gained(before, after)
    assert.equal(count(before)[gone.id], moved)
  end)

  it("lets one that comes take what it gets, and moves nothing between others", function()
    local list = members(1, 2, 3, 4, 5, 6, 7, 8, 9)
    local before = holders(list, 3)
    list = members(1, 2, 3, 4, 5, 6, 7, 8, 9, 10)
    local after = holders(list, 3)
    local counts, moved = gained(before, after)
    assert.equal(count(after)[list[10].id], moved)
    assert.equal(moved, counts[list[10].id])
  end)

  it("does not depend on the order of the members", function()
    local list = members(1, 2, 3, 4, 5)
    local backwards = {}
    for i, member in ipairs(list) do backwards[#list + 1 - i] = member end
    for i = 1, 20 do
      local object = { key_hash = key_hash(i) }
      assert.same(rendezvous.rank(object, list), rendezvous.rank(object, backwards))
    end
  end)

  it("hears all of the key hash and of the ID, whatever these look like", function()
    local seen, texts = {}, { "", "a", "b", ("a"):rep(8), ("a"):rep(7) .. "b", ("k"):rep(32), ("k"):rep(31) .. "l", "l" .. ("k"):rep(31) }
    for _, key in ipairs(texts) do
      for _, id in ipairs(texts) do
        local score = rendezvous.score(rendezvous.seed(key), id, 1)
        assert.is_nil(seen[score])
        seen[score] = true
        assert.is_true(score > 0 and score < math.huge)
      end
    end
  end)
end)
