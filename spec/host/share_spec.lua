local new_random = require "filo.sim.random"
local new_share = require "filo.host.share"

describe("a share", function()
  it("is what one likes while there is enough, and then what is left of one's part", function()
    local share = new_share { most = 10, part = 2, count = function() return 3 end }
    local first <close> = share:take("a", 8)
    assert.is_table(first)
    assert.is_nil(share:take("a", 3))
    local second <close> = share:take("b", 2)
    assert.is_table(second)
    assert.is_nil(share:take("a", 1))
    assert.is_nil(share:take("b", 1))
    assert.is_nil(share:take("c", 3))
    local third <close> = share:take("c", 1)
    local fourth <close> = share:take("c", 1)
    assert.is_table(third)
    assert.is_table(fourth)
    assert.is_nil(share:take("c", 1))
  end)

  it("can be taken again when it was given back", function()
    local share = new_share { most = 10, part = 1, count = function() return 2 end }
    for _ = 1, 3 do
      do
        local all <close> = share:take("a", 10)
        assert.is_table(all)
      end
      local other <close> = share:take("b", 10)
      assert.is_table(other)
      assert.is_nil(share:take("b", 1))
    end
    assert.equal(0, share.total)
    assert.is_nil(next(share.by))
  end)

  -- 64 who had one of 64 each kept everybody else out, for as long as they liked.
  it("is there for whoever has nothing, however many have some", function()
    local here = 0
    local share = new_share { most = 64, part = 1, count = function() return here end }
    for i = 1, 300 do
      here = i
      assert.is_table(share:take(i, 1))
      if i > 64 then assert.is_nil(share:take(i, 1)) end
    end
    assert.equal(300, share.total)
  end)

  -- Each newcomer got an equal part of the bound, which was given out already: 64 of them had five times as much.
  it("is bounded when each in turn takes all that it gets", function()
    local COUNT, MOST, PART = 64, 4096, 16
    local share = new_share { most = MOST, part = PART, count = function() return COUNT end }
    for i = 1, COUNT do
      for amount = 12, 0, -1 do
        while share:take(i, 1 << amount) do end
      end
    end
    assert.equal(MOST + (COUNT - 1) * PART, share.total)
  end)

  it("is bounded also when those who have some are not here any more", function()
    local share = new_share { most = 100, part = 10, count = function() return 2 end }
    for i = 1, 50 do
      for amount = 6, 0, -1 do
        while share:take(i, 1 << amount) do end
      end
    end
    assert.equal(120, share.total)
  end)

  it("keeps both promises in any order of taking and giving back, also while some come and go", function()
    local MOST, PART, NAMES = 1000, 20, 30
    for seed = 1, 10 do
      local random = new_random(seed)
      local here, count, held, kept = {}, 0, {}, true
      local share = new_share { most = MOST, part = PART, count = function() return count end }
      local function total_of(name)
        local total = 0
        for _, each in ipairs(held) do
          if not name or each.name == name then total = total + each.amount end
        end
        return total
      end
      local function give_back(at)
        local _ <close> = table.remove(held, at).part
      end
      local function come_or_go(name)
        here[name], count = not here[name] or nil, count + (here[name] and -1 or 1)
        for at = #held, 1, -1 do
          if held[at].name == name then give_back(at) end
        end
      end
      for _ = 1, 300 do
        local name = random:integer(1, NAMES)
        if random:chance(0.1) then
          come_or_go(name)
        elseif held[1] and random:chance(0.3) then
          give_back(random:integer(1, #held))
        elseif here[name] then
          local amount = random:integer(1, random:chance(0.5) and PART or MOST)
          local before, own = total_of(), total_of(name)
          local part = share:take(name, amount)
          kept = kept and (part ~= nil) == (before + amount <= MOST or own + amount <= PART)
          if part then held[#held + 1] = { name = name, amount = amount, part = part } end
        end
        kept = kept and share.total == total_of() and share.total <= MOST + count * PART
      end
      assert.is_true(kept)
    end
  end)
end)
