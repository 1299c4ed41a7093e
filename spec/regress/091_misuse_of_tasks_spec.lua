-- filo.race {} and a channel without room waited for ever; other wrong arguments raised errors in the middle of Filo.

local filo = require "filo"
local nodes = require "spec.support.nodes"
local raises = require "spec.support.raises"

local function here(text) return "^spec/regress/091_misuse_of_tasks_spec.lua:%d+: " .. text end

describe("a wrong argument to a function for tasks", function()
  it("is an error at the caller's line", function()
    local channel = filo.channel()
    local function nothing() end
    for _, case in ipairs {
      { function() filo.race {} end, "race: a list of functions expected, with one at least" },
      { function() filo.race() end, "race: a list of functions expected" },
      { function() filo.race { nothing, "x" } end, "race: a list of functions expected" },
      { function() filo.all() end, "all: a list of functions expected" },
      { function() filo.all { nothing, 5 } end, "all: a list of functions expected" },
      { function() filo.spawn(5) end, "spawn: a function expected" },
      { function() filo.timeout("x", nothing) end, "timeout: a number of seconds expected" },
      { function() filo.timeout(1, 5) end, "timeout: a function expected" },
      { function() filo.sleep "x" end, "sleep: a number of seconds expected" },
      { function() filo.sleep(-1) end, "sleep: seconds must be 0 or more" },
      { function() filo.channel(0) end, "channel: an integer of 1 or more expected" },
      { function() filo.channel(-1) end, "channel: an integer of 1 or more expected" },
      { function() filo.channel "x" end, "channel: an integer of 1 or more expected" },
      { function() channel:send(1, "x") end, "send: a number of seconds expected" },
      { function() channel:send(nil) end, "a channel cannot carry nil" },
      { function() channel:receive "x" end, "receive: a number of seconds expected" },
    } do raises(here(case[2]), case[1]) end
    assert.same({}, filo.all {})
  end)

  it("is one to filo.node, too", function()
    local net <close> = nodes.net()
    local function make(path)
      return function()
        local node = filo.node { root = net.folder:file "x", path = path }
        return node
      end
    end
    raises(here "filo.node: path: option 'digest' must be md5, sha1 or sha256", make { digest = "x" })
    raises(here "filo.node: path: option 'width' must be 0 or more", make { width = -1 })
    raises(here "filo.node: option 'path': path width 0 is not within", make { width = 0 })
    raises(here "filo.node: option 'path': path depth 1000 is not within", make { depth = 1000 })
    assert.is_false(nodes.exists(net.folder:file "x"))
  end)
end)
