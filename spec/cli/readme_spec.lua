local free_address = require "spec.support.free_address"
local nodes = require "spec.support.nodes"
local process = require "spec.support.process"
local temp = require "spec.support.temp"

---The blocks of shell commands in a section of the README.
local function blocks(section)
  local file <close> = assert(io.open "README.md")
  local text = assert(file:read("a"):match("\n## " .. section .. "\n(.-)\n## "))
  local list = {}
  for block in text:gmatch "\n```sh\n(.-)```\n" do list[#list + 1] = block end
  return list
end

---Ends the shell by ending what it has left running; its status is that one's.
local function stop(shell)
  if not shell.result then shell:kill "TERM" end
  return shell:wait()
end

---Runs a block as a user does who types it, on a machine with that home and address. What it leaves running ends with the scope.
local function machine(folder, name, address, block)
  folder:write("filo", ('#!/bin/sh\nexec "%s" "$@"\n'):format(require("filo").program))
  os.execute("chmod +x " .. temp.quote(folder:file "filo"))
  local shell = process.start {
    program = "sh", "-ec", ("trap 'kill $!' TERM\n%swait $! || wait $!"):format(block), cwd = folder.path,
    env = {
      ADDRESS = address, HOME = folder:file(name), XDG_DATA_HOME = "", FILO_ROOT = "", PATH = folder.path .. ":" .. os.getenv "PATH",
    },
  }
  return shell, setmetatable({}, { __close = function() stop(shell) end })
end

describe("the README's daily use", function()
  it("sets up two nodes with six commands or fewer", function()
    local first_block, second_block = table.unpack(blocks "Daily use")
    local count = select(2, (first_block .. second_block):gsub("filo [^\n]+\n", ""))
    assert.is_true(count >= 4 and count <= 6, count .. " commands")

    local folder <close> = temp.folder()
    local address = free_address()
    local first, first_end = machine(folder, "first", address, first_block)
    local _ <close> = first_end
    nodes.wait(function() return nodes.exists(folder:file "token") and folder:read("token"):find "\n" end, "token")
    first:expect "listens at"
    local second, second_end = machine(folder, "second", "127.0.0.1:0", second_block)
    local _ <close> = second_end
    second:expect("peer %x+ at " .. address .. " is connected")
    first:expect "peer %x+ at [%d.:]+ is connected"
    for _, child in ipairs { second, first } do
      local result = stop(child)
      assert.equal(0, result.status, result.err)
    end
  end)
end)
