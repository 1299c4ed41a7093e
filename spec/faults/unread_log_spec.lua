---With a terminal that was stopped, or a pager that nobody paged, at the end of its log, a node stopped for good.

local commands = require "spec.support.commands"
local new_pipe = require "spec.support.unread_pipe"
local nodes = require "spec.support.nodes"
local process = require "spec.support.process"
local runtime = require "filo.core.runtime"
local temp = require "spec.support.temp"

---`filo serve` whose log goes to a pipe.
local function serve(house, pipe)
  local command = ("exec %s serve 2>%s"):format(temp.quote(runtime.program()), temp.quote(pipe.path))
  return process.start { program = "sh", "-c", command, env = { FILO_ROOT = house:root "a" } }
end

describe("a node whose log nobody reads", function()
  it("stores, and ends with the first SIGTERM", function()
    local house <close> = commands.house()
    house:run("a", "init", "--listen", "127.0.0.1:0")
    local pipe <close> = new_pipe(house.folder, true)
    local child <close> = serve(house, pipe)
    nodes.wait(function() return house:run("a", "status").status == 0 end, "the node serves")
    for i = 1, 5 do assert.equal(0, house:feed("content", "a", "put", "-", "--key", "key " .. i).status) end
    assert.equal(5, select(2, house:run("a", "ls").out:gsub("key %d", "")))
    child:kill "TERM"
    assert.equal(0, child:wait().status)
    assert.matches("^closed[ %x]*\n$", house:read("a", "lock"))
  end)
end)
