---Ctrl-C and SIGTERM did not end `filo put` while nobody wrote to the named pipe that it was to store.

local commands = require "spec.support.commands"
local nodes = require "spec.support.nodes"
local temp = require "spec.support.temp"

local function serving(fn)
  local house <close> = commands.house()
  house:run("a", "init", "--listen", "127.0.0.1:0")
  house:serve "a"
  fn(house)
end

describe("a signal", function()
  it("ends filo put while a named pipe is silent", function()
    serving(function(house)
      local pipe = house.folder:file "pipe"
      assert(os.execute("mkfifo " .. temp.quote(pipe)))
      for _, signal in ipairs { "INT", "TERM" } do
        local put = house:start("a", "put", pipe)
        nodes.wait(function() return house:run("a", "status").out:find("storing " .. pipe, 1, true) end, "the node reads the pipe")
        put:kill(signal)
        assert.equal(signal == "INT" and 130 or 143, put:wait(10).status)
      end
    end)
  end)
end)
