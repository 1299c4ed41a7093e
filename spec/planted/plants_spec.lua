---The bugs that are planted to try the simulator fit the code as it is.

local plants = require "spec.planted.plants"

local function read(path)
  local file <close> = assert(io.open(path, "rb"))
  return assert(file:read "a")
end

local function count(source, text)
  local found, at = 0, 1
  while true do
    local first, last = source:find(text, at, true)
    if not first then return found end
    found, at = found + 1, last + 1
  end
end

describe("a planted bug", function()
  for _, plant in ipairs(plants) do
    it(("can be planted: %s"):format(plant.name), function()
      assert.is_true(#plant > 0)
      for _, change in ipairs(plant) do
        local source = read("lua/filo/" .. change.file)
        local found = count(source, change.text)
        assert(found == 1, ("%d times in lua/filo/%s: %s"):format(found, change.file, change.text))
        assert.not_equal(change.text, change.becomes)
        local first, last = source:find(change.text, 1, true)
        assert(load(source:sub(1, first - 1) .. change.becomes .. source:sub(last + 1), "=" .. change.file))
      end
    end)
  end

  it("has a name of its own, and says what is lost", function()
    local seen = {}
    for _, plant in ipairs(plants) do
      assert.is_nil(seen[plant.name], plant.name)
      assert.is_string(plant.loses)
      seen[plant.name] = true
    end
  end)
end)
