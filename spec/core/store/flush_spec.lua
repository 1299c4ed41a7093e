---What is flushed to the disk before it is relied on.

local deaf = require "spec.support.deaf"
local process = require "spec.support.process"
local temp = require "spec.support.temp"

-- What a process that was killed had renamed, and not flushed, was forgotten: the next one acknowledged more below the same new
-- folders after flushing the innermost alone. So was what a flush that failed had left. A root that was not closed in order is flushed
-- as a whole when it is opened.

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

-- A copy that was offered again was acknowledged as there already when it had been renamed to its place, but the flush of its folder
-- was still to come, or had failed.

---Stores an object and offers it again, whole and in parts.
local OFFER_AGAIN = [[
  local store = require "filo.core.store"
  local stores = require "spec.support.stores"
  local disk <close> = assert(store.open(arg[1], stores.me:raw_id(), arg[2]))
  local _, err = stores.try_put(disk, "content", { version = tonumber(arg[3]) })
  local _, record, body = disk:sealed(stores.me:raw_id(), stores.path "key", 1000)
  print(err and err.code or "stored")
  print((select(2, disk:partial(stores.path "key", record, body))).code, (select(2, disk:partial(stores.path "key", record))).code)
]]

describe("a copy that is offered and is here already", function()
  it("is flushed before that is said, if it was not", function()
    local folder <close> = temp.folder()
    local root = folder:file "root"
    deaf.run(folder, "", [[require "filo.core.store".open(arg[1], require "spec.support.stores".me:raw_id(), "full"):close()]], root)
    assert.equal("io\nio\tio\n", deaf.run(folder, "fsync", OFFER_AGAIN, root, "group", "2"))
    assert.equal("exists\nexists\texists\n", deaf.run(folder, "", OFFER_AGAIN, root, "group", "1"))
    assert.equal("exists\nexists\texists\n", deaf.run(folder, "fsync", OFFER_AGAIN, root, "none", "1"))
  end)
end)

-- At the end of the process the flush thread handed publications to a pool of workers that was gone already. (AddressSanitizer tells;
-- without it, the process happened to end well.)

local ENDS = [[
local crypto = require "filo.core.crypto"
local runtime = require "filo.core.runtime"
local store = require "filo.core.store"
local me = assert(assert(crypto.identity_generate()):namespace())
local disk = assert(store.open(arg[1], me:raw_id(), "group"))
for i = 1, 4 do
  local deposit = assert(disk:deposit(100000, false, false))
  assert(deposit:write(("x"):rep(100000)))
  assert(deposit:finish())
  local version = { key_hash = ("%032d"):format(i), version = 1, generation = 0, class = 0, meta = "" }
  runtime.spawn(function() deposit:publish(me, version, "object " .. i) end)
end
runtime.sleep(0)
]]

describe("a process that ends while objects are flushed in a group", function()
  it("waits for the flush", function()
    for _ = 1, 5 do
      local folder <close> = temp.folder()
      local script = folder:write("ends.lua", ENDS)
      local result = process.run { script, folder:file "root" }
      assert.equal("", result.err)
      assert.equal(0, result.status)
    end
  end)
end)
