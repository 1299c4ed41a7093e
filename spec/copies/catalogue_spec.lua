local filo = require "filo"
local new_catalogue = require "filo.copies.catalogue"

---A catalogue over one that gives these pages of names, and what is noted of it: how often it was made anew, the time, lines of the log.
local function over(pages, failure)
  local noted = { refreshed = 0, now = 0, lines = {} }
  local core = {
    refresh = function() noted.refreshed = noted.refreshed + 1 end,
    problems = function() return {} end,
    names = function(_, _, _, after)
      local code = failure and failure()
      if code then return nil, filo.error(code, "the reason") end
      local page = pages[(after or 0) + 1]
      return page or {}, page and (after or 0) + 1 or nil
    end,
  }
  local host = {
    now = function() return noted.now end, random = function() return "\0" end, sleep = function() noted.slept = true end,
    log = function(_, line) table.insert(noted.lines, line) end,
  }
  local walk = { next = function() return {} end, close = function() end }
  return new_catalogue {
    host = host, names = {}, namespace = "n", keys = {}, hand_out = function() end,
    disk = { catalogue = function() return core end, walk = function() return walk end },
  }, noted
end

local function names_of(catalogue)
  local names = {}
  for row in catalogue:list "" do names[#names + 1] = row.name end
  return table.concat(names, " ")
end

describe("the catalogue of a node", function()
  it("goes over pages, also those whose objects have all gone meanwhile", function()
    local catalogue = over { { { name = "a" }, { name = "b" } }, {}, { { name = "c" } } }
    assert.equal("a b c", names_of(catalogue))
  end)

  -- A command that asked twice, for an object and for what is below it, had a private catalogue of a million objects made twice.
  it("is made anew for who begins to ask, and not again for the rest of what is asked at once", function()
    local catalogue, noted = over { { { name = "a" } } }
    for _ = 1, 3 do
      catalogue:begin()
      names_of(catalogue)
    end
    assert.equal(1, noted.refreshed)
    noted.now = 60
    catalogue:begin()
    assert.equal(2, noted.refreshed)
  end)

  it("is waited for while it is made, and done without when it cannot be used, which is told once", function()
    local codes = { "busy", "busy" }
    local catalogue, noted = over({ { { name = "a" } } }, function() return table.remove(codes, 1) end)
    assert.equal("a", names_of(catalogue))
    assert.is_true(noted.slept)
    catalogue, noted = over({ { { name = "a" } } }, function() return "io" end)
    for _ = 1, 3 do assert.equal("", names_of(catalogue)) end
    assert.equal(1, #noted.lines)
  end)
end)
