---Ctrl-C and SIGTERM did not end `filo put` while nobody wrote to the named pipe that it was to store. `filo get` lost a Ctrl-C that came
---while it had another program make a folder or set a time, and went on.

local commands = require "spec.support.commands"
local nodes = require "spec.support.nodes"
local temp = require "spec.support.temp"

local function serving(fn)
  local house <close> = commands.house()
  house:run("a", "init", "--listen", "127.0.0.1:0")
  house:serve "a"
  fn(house)
end

---A touch(1) that interrupts filo.
local TOUCH = [[
#!/bin/sh
until [ -s "$PID_FILE" ]; do sleep 0.01; done
kill -INT $(cat "$PID_FILE")
]]

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

  it("ends filo get while another program runs for it", function()
    serving(function(house)
      house.folder:write("touch", TOUCH)
      assert(os.execute("chmod +x " .. temp.quote(house.folder:file "touch")))
      for _, key in ipairs { "k/1", "k/2" } do house:feed("content", "a", "put", "-", "-k", key) end
      house.variables = { PATH = house.folder.path .. ":" .. os.getenv "PATH", PID_FILE = house.folder:file "pid" }
      local get = house:start("a", "get", "-r", "k", "-d", house.folder:file "out")
      house.folder:write("pid", get.pid)
      local result = get:wait(10)
      assert.same({ 130, "" }, { result.status, result.err })
      assert.is_true(nodes.exists(house.folder:file "out/k/1"))
      assert.is_false(nodes.exists(house.folder:file "out/k/2"))
    end)
  end)
end)
