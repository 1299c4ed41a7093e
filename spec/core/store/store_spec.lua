local process = require "spec.support.process"
local refused = require "spec.support.refused"
local runtime = require "filo.core.runtime"
local store = require "filo.core.store"
local stores = require "spec.support.stores"
local temp = require "spec.support.temp"

local me = stores.me

local function try_open(folder, owner) return store.open(stores.root(folder), (owner or me):raw_id(), "none") end

describe("a store in use", function()
  ---A task that waits until it is idle.
  local function waiting(disk)
    local task = runtime.spawn(disk.wait_idle, disk):observe()
    runtime.sleep(0)
    assert.equal("waiting", task:status())
    return task
  end

  it("tells at once when the last of what came from it is closed", function()
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder)
    stores.put(disk, "content")
    assert.is_true(disk:wait_idle(0))
    local object, walk = stores.object(disk, "key"), assert(disk:walk())
    local task = waiting(disk)
    object:close()
    runtime.sleep(0)
    assert.equal("waiting", task:status())
    walk:close()
    runtime.sleep(0)
    assert.equal("ended", task:status())
    assert.is_true(task:join())
  end)

  it("is idle only when the workers are done with what was given up", function()
    local folder <close> = temp.folder()
    for _, durability in ipairs { "full", "group", "none" } do
      local disk = stores.open(folder, { durability = durability })
      for _ = 1, 5 do
        local deposit = assert(disk:deposit(8 << 20, false, false))
        assert(deposit:write(stores.bytes(8 << 20)))
        deposit:close()
        assert.is_true(disk:wait_idle())
        assert.same({}, stores.drafts(folder))
        local published = assert(disk:deposit(nil, false, false))
        assert(published:write "content")
        local publishing = runtime.spawn(stores.publish, published, { version = runtime.time() }):observe()
        runtime.sleep(0)
        published:close()
        assert.is_true(disk:wait_idle())
        assert.same({}, stores.drafts(folder))
        publishing:cancel()
      end
      disk:close()
      assert(try_open(folder)):close() -- nothing kept it
    end
  end)

  -- A node that was closing took its disk for idle, though a call on it had begun after the last one had ended.
  it("is not idle when it is used again before who waits goes on", function()
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder)
    local walk = assert(disk:walk())
    local task = waiting(disk)
    walk:close()
    walk = assert(disk:walk())
    runtime.sleep(0)
    assert.equal("waiting", task:status())
    walk:close()
    assert.is_true(task:join())
    walk = assert(disk:walk())
    local in_time = runtime.spawn(disk.wait_idle, disk, 0.01):observe()
    runtime.sleep(0)
    walk:close()
    walk = assert(disk:walk())
    refused("timeout", in_time:join())
    walk:close()
  end)

  it("can be waited for again after a deadline and a cancelled wait", function()
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder)
    local walk = assert(disk:walk())
    assert.matches("in use", refused("timeout", disk:wait_idle(0.01)))
    refused("timeout", disk:wait_idle(0))
    local cancelled = waiting(disk)
    assert.error_matches(function() disk:wait_idle() end, "waits for this already")
    cancelled:cancel()
    assert.is_false((pcall(cancelled.join, cancelled)))
    local task = waiting(disk)
    walk:close()
    assert.is_true(task:join())
    local again = assert(disk:walk())
    refused("timeout", disk:wait_idle(0.01))
    again:close()
  end)

  it("ends a wait when it is closed", function()
    local folder <close> = temp.folder()
    local disk = stores.open(folder)
    local walk = assert(disk:walk())
    local task = waiting(disk)
    disk:close()
    refused("closed", task:join())
    walk:close()
  end)

  it("does not tell who waits for another", function()
    local here <close> = temp.folder()
    local there <close> = temp.folder()
    local one <close> = stores.open(here)
    local other_one <close> = stores.open(there)
    local walk, other_walk = assert(one:walk()), assert(other_one:walk())
    local task, other_task = waiting(one), waiting(other_one)
    walk:close()
    assert.is_true(task:join())
    assert.equal("waiting", other_task:status())
    other_walk:close()
    assert.is_true(other_task:join())
  end)

  it("does not keep a process that waits for it from ending", function()
    local folder <close> = temp.folder()
    stores.open(folder):close()
    local script = folder:write("script.lua", [[
      local runtime, store = require "filo.core.runtime", require "filo.core.store"
      local disk = assert(store.open(arg[1], require "filo.core.crypto".unhex(arg[2]), "none"))
      local walk = assert(disk:walk())
      runtime.spawn(function()
        local again <close> = setmetatable({}, { __close = function() disk:wait_idle() end })
        disk:wait_idle()
      end)
      runtime.sleep(0)
      print(walk ~= nil)
    ]])
    local result = process.run { script, stores.root(folder), me:id() }
    assert.equal(0, result.status, result.err)
    assert.equal("true\n", result.out)
  end)
end)
