local lfs = require "lfs"
local partials = require "spec.support.partials"
local stores = require "spec.support.stores"
local temp = require "spec.support.temp"

local MIB = 1 << 20

local move = partials.move

describe("a partial copy", function()
  local content = stores.bytes(5 * MIB + 123)

  ---Runs fn(object, theirs, record, path) with an object in one store and another store to receive it in.
  local function with_object(fn)
    local here <close> = temp.folder()
    local there <close> = temp.folder()
    local ours <close> = stores.open(here)
    local theirs <close> = stores.open(there)
    local record = stores.put(ours, content, { known = true })
    local object <close> = assert(ours:object(stores.me:raw_id(), stores.path "key"))
    return fn(object, theirs, record, there)
  end

  it("is resumed with what it lacks, in any order, and published whole", function()
    with_object(function(object, theirs, record)
      local first = assert(theirs:partial(stores.path "key", record))
      assert.is_false(first:has_hashes())
      assert(move(object, first, true, 1, 2))
      first:close()
      local again <close> = assert(theirs:partial(stores.path "key", record))
      assert.is_true(again:has_hashes())
      assert.same({ false, true, true, false }, { again:has(0), again:has(1), again:has(2), again:has(3) })
      assert.equal("invalid", select(2, again:publish()).code)
      assert(move(object, again, false, 3))
      assert(move(object, again, false, 0, 1))
      assert.equal(6, again:missing(0))
      assert(again:publish())
      assert.equal(content, stores.get(theirs, "key"))
    end)
  end)

  it("that is kept takes no room for what it lacks", function()
    with_object(function(object, theirs, record, folder)
      local partial = assert(theirs:partial(stores.path "key", record))
      assert(move(object, partial, true, 2, 1))
      partial:close()
      local names = stores.drafts(folder)
      assert.equal(1, #names)
      local taken = lfs.attributes(folder:file("root/tmp/" .. names[1]), "blocks") * 512
      assert.is_true(taken >= MIB and taken < 2 * MIB, taken .. " bytes taken")
    end)
  end)
end)
