---Ctrl-C and SIGTERM did not end `filo put` while nobody wrote to the named pipe that it was to store. One that came
---while another program ran for a command was lost.

local commands = require "spec.support.commands"
local nodes = require "spec.support.nodes"
local temp = require "spec.support.temp"

local function serving(fn)
  local house <close> = commands.house()
  house:run("a", "init", "--listen", "127.0.0.1:0")
  house:serve "a"
  fn(house)
end

---A find(1) that interrupts filo.
local FIND = [[
#!/bin/sh
until [ -s "$PID_FILE" ]; do sleep 0.01; done
kill -INT $(cat "$PID_FILE")
PATH=$REAL_PATH exec find "$@"
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

  it("ends filo put while another program runs for it", function()
    serving(function(house)
      assert(os.execute(("mkdir %s %s"):format(temp.quote(house.folder:file "bin"), temp.quote(house.folder:file "d"))))
      assert(os.execute("chmod +x " .. temp.quote(house.folder:write("bin/find", FIND))))
      house.folder:write("d/file", "content")
      local path = os.getenv "PATH"
      house.variables = { PATH = house.folder:file "bin" .. ":" .. path, REAL_PATH = path, PID_FILE = house.folder:file "pid" }
      local put = house:start("a", "put", "-r", house.folder:file "d")
      house.folder:write("pid", put.pid)
      local result = put:wait(10)
      assert.same({ 130, "" }, { result.status, result.err })
      assert.equal("", house:run("a", "ls").out)
    end)
  end)
end)
