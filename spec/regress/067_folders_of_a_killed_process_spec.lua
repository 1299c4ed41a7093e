-- What a process that was killed had renamed, and not flushed, was forgotten: the next one acknowledged more below the same new
-- folders after flushing the innermost alone. So was what a flush that failed had left. A root that was not closed in order is flushed
-- as a whole when it is opened.

local deaf = require "spec.support.deaf"
local process = require "spec.support.process"
local temp = require "spec.support.temp"

local OPEN = [[
  local store = require "filo.core.store"
  local stores = require "spec.support.stores"
  local disk, err = store.open(arg[1], stores.me:raw_id(), arg[2])
  if not disk then return print(err) end
]]
local TRY = OPEN .. [[
  disk:close()
  print "opened"
]]
local STORE = OPEN .. [[
  local record, err = stores.try_put(disk, "content")
  print(record and "stored" or err)
  disk:close()
]]
local DIE = OPEN .. [[
  stores.put(disk, "content")
  os.execute "kill -9 $PPID"
]]

local function die(folder, durability)
  local script = folder:write("die.lua", DIE)
  assert.equal(9, process.run({ script, folder:file "root", durability }).signal)
end

local function try(folder, flushes, durability, code) return deaf.run(folder, flushes, code or TRY, folder:file "root", durability) end

describe("a root is flushed as a whole before it is used", function()
  it("when its last process was killed", function()
    for _, durability in ipairs { "full", "group" } do
      local folder <close> = temp.folder()
      die(folder, durability)
      assert.matches("^cannot flush .*/root: Input/output error\n$", try(folder, "syncfs", durability))
      assert.matches("^cannot flush", try(folder, "syncfs", durability)) -- which did not do it either
      assert.equal("opened\n", try(folder, "", durability))
      assert.equal("opened\n", try(folder, "syncfs", durability))
    end
  end)

  it("when a folder could not be flushed", function()
    for _, durability in ipairs { "full", "group" } do
      local folder <close> = temp.folder()
      assert.equal("opened\n", try(folder, "", durability))
      assert.matches("^cannot flush", try(folder, "fsync", durability, STORE))
      if durability == "group" then assert.matches("^cannot flush", try(folder, "syncfs", durability)) end
      assert.equal("opened\n", try(folder, "", durability))
    end
  end)

  it("when nothing was flushed, by durability none", function()
    local folder <close> = temp.folder()
    assert.equal("stored\n", try(folder, "syncfs", "none", STORE))
    assert.matches("^cannot flush", try(folder, "syncfs", "full"))
    assert.equal("opened\n", try(folder, "syncfs", "none"))
  end)
end)
