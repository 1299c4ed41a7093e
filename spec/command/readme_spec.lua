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
local function stop(child)
  if not child.result then child:kill "TERM" end
  return child:wait()
end

---A shell that types on a machine with that home and address.
local function shell(folder, name, address, commands)
  return process.start {
    program = "sh", "-ec", commands, cwd = folder.path,
    env = {
      ADDRESS = address, HOME = folder:file(name), XDG_DATA_HOME = "", FILO_ROOT = "", PATH = folder.path .. ":" .. os.getenv "PATH",
    },
  }
end

---Runs a block whose last command goes on; it ends with the scope.
local function machine(folder, name, address, block)
  local child = shell(folder, name, address, ("trap 'kill $!' TERM\n%swait $! || wait $!"):format(block))
  return child, setmetatable({}, { __close = function() stop(child) end })
end

---A folder with the program and a photo.
local function new_folder()
  local folder = temp.folder()
  folder:write("filo", ('#!/bin/sh\nexec "%s" "$@"\n'):format(require("filo").program))
  os.execute("chmod +x " .. temp.quote(folder:file "filo"))
  folder:write("photo.jpg", nodes.bytes(100000))
  return folder
end

describe("the README's daily use", function()
  it("sets up two nodes with six commands or fewer", function()
    local first_block, second_block, use = table.unpack(blocks "Daily use")
    local count = select(2, (first_block .. second_block):gsub("filo [^\n]+\n", ""))
    assert.is_true(count >= 4 and count <= 6, count .. " commands")

    local folder <close> = new_folder()
    local address = free_address()
    local first, first_end = machine(folder, "first", address, first_block)
    local _ <close> = first_end
    nodes.wait(function() return nodes.exists(folder:file "token") and folder:read("token"):find "\n" end, "token")
    first:expect "listens at"
    local second, second_end = machine(folder, "second", "127.0.0.1:0", second_block)
    local _ <close> = second_end
    second:expect("peer %x+ at " .. address .. " is connected")
    first:expect "peer %x+ at [%d.:]+ is connected"
    local user <close> = shell(folder, "second", "", use)
    local result = user:wait()
    assert.equal("", result.err)
    assert.equal(0, result.status)
    assert.matches("photo.jpg .*2 copies", result.out)
    assert.equal(folder:read "photo.jpg", folder:read "copy.jpg")
    for _, child in ipairs { second, first } do
      result = stop(child)
      assert.equal(0, result.status, result.err)
    end
  end)
end)
