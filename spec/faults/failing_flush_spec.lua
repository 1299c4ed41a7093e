-- Files were never flushed: a power cut lost what had been acknowledged. Flushes are seen here by making them fail: what was only
-- acknowledged after a flush is not acknowledged then, and what failed is not to be seen either.

local deaf_disk = require "spec.support.deaf"
local temp = require "spec.support.temp"

local NODE = [[
  local filo = require "filo"
  local root, durability, count = arg[1], arg[2], tonumber(arg[3])
  local node <close> = assert(filo.node { root = root, durability = durability, reserve = 0, log = function() end })
]]

local STORE = NODE .. [[
  local stores = {}
  for i = 1, count do
    stores[i] = function()
      local ok, err = node:store("key " .. i, ("content "):rep(i * 1000))
      print(ok and "stored" or tostring(err))
      return true
    end
  end
  filo.all(stores)
]]

local LIST = NODE .. [[
  local seen = 0
  for item in node:list() do
    assert(node:verify(item.key))
    seen = seen + 1
  end
  print(seen)
]]

local DELETE = NODE .. [[
  print(select(2, node:delete "key") or "deleted")
]]

---Runs a script, where the flushes named fail.
local function run(folder, deaf, code, durability, count)
  return deaf_disk.run(folder, deaf, code, folder:file "root", durability, tostring(count))
end

---A root that is there already: what is made at the first start is flushed as well.
local function new_root()
  local folder = temp.folder()
  run(folder, "", LIST, "full", 0)
  return folder
end

local CASES = {
  { "full", "fsync", 1 },
  { "group", "fdatasync", 1 },
  { "group", "fdatasync,syncfs", 40 },
}

describe("a store that cannot be flushed", function()
  for _, case in ipairs(CASES) do
    local durability, deaf, count = table.unpack(case)
    it(("is not acknowledged and not seen: %s, %d at once, no %s"):format(durability, count, deaf), function()
      local folder <close> = new_root()
      local out = run(folder, deaf, STORE, durability, count)
      assert.is_nil(out:find "stored")
      assert.equal(count, select(2, out:gsub("cannot store 'key %d+': cannot flush[^\n]*: Input/output error\n", "")), out)
      assert.equal("0\n", run(folder, "", LIST, durability, 0))
      assert.equal(("stored\n"):rep(count), run(folder, "", STORE, durability, count))
      assert.equal(count .. "\n", run(folder, "", LIST, durability, 0))
    end)
  end

  it("is not acknowledged when it is its folder that cannot be flushed, and whole", function()
    local folder <close> = new_root()
    assert.matches("^cannot store 'key 1': cannot flush", run(folder, "fsync", STORE, "group", 1))
    run(folder, "", LIST, "group", 0)
  end)

  it("is acknowledged all the same with durability none", function()
    local folder <close> = new_root()
    assert.equal(("stored\n"):rep(10), run(folder, "fsync,fdatasync,syncfs", STORE, "none", 10))
  end)

  it("is not deleted either: the tombstone is flushed", function()
    local folder <close> = new_root()
    run(folder, "", NODE .. "assert(node:store('key', 'content'))", "full", 0)
    assert.matches("^cannot delete 'key': cannot flush", run(folder, "fsync", DELETE, "full", 0))
    assert.equal("1\n", run(folder, "", LIST, "full", 0))
    assert.equal("deleted\n", run(folder, "", DELETE, "full", 0))
    assert.equal("0\n", run(folder, "", LIST, "full", 0))
  end)
end)
