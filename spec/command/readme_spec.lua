local free_address = require "spec.support.free_address"
local nodes = require "spec.support.nodes"
local process = require "spec.support.process"
local sim = require "filo.sim"
local temp = require "spec.support.temp"

---The blocks in a language that stand below a heading of a document.
local function blocks(path, heading, language)
  local file <close> = assert(io.open(path))
  local text = assert(file:read("a"):match("\n#+ " .. heading .. "\n(.-)\n##"))
  local list = {}
  for block in text:gmatch("\n```" .. language .. "\n(.-)```\n") do list[#list + 1] = block end
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

---The machine that others reach; its address, the process, and its end. The token lies in the folder then.
local function first_machine(folder, block)
  local address = free_address()
  local child, ends = machine(folder, "first", address, block)
  for _, name in ipairs { "token", "device" } do
    nodes.wait(function() return nodes.exists(folder:file(name)) and folder:read(name):find "\n" end, name)
  end
  child:expect "listens at"
  return address, child, ends
end

---Runs commands on a machine; gives what they print.
local function run(folder, name, commands)
  local child <close> = shell(folder, name, "", commands)
  local result = child:wait()
  assert.equal("", result.err)
  assert.equal(0, result.status)
  return result.out
end

describe("the README's daily use", function()
  it("sets up two nodes with six commands or fewer", function()
    local first_block, second_block, _, use = table.unpack(blocks("README.md", "Daily use", "sh"))
    local count = select(2, (first_block .. second_block):gsub("filo [^\n]+\n", ""))
    assert.is_true(count >= 4 and count <= 6, count .. " commands")

    local folder <close> = new_folder()
    local address, first, first_end = first_machine(folder, first_block)
    local _ <close> = first_end
    local second, second_end = machine(folder, "second", "127.0.0.1:0", second_block)
    local _ <close> = second_end
    second:expect("peer %x+ at " .. address .. " is connected")
    first:expect "peer %x+ at [%d.:]+ is connected"
    assert.matches("photo.jpg .*2 copies", run(folder, "second", use))
    assert.equal(folder:read "photo.jpg", folder:read "copy.jpg")
    for _, child in ipairs { second, first } do
      local result = stop(child)
      assert.equal(0, result.status, result.err)
    end
  end)

  it("lets another machine of the same person read and write the same, and shares with others", function()
    local first_block, keeper_block, device_block, use, share = table.unpack(blocks("README.md", "Daily use", "sh"))
    local folder <close> = new_folder()
    local _, first, first_end = first_machine(folder, first_block)
    local _ <close> = first_end
    local device, device_end = machine(folder, "second", "127.0.0.1:0", device_block)
    local _ <close> = device_end
    device:expect "is connected"
    first:expect "is connected"
    assert.matches("photo.jpg .*2 copies", run(folder, "second", use))
    os.remove(folder:file "copy.jpg")
    assert.equal("photo.jpg\n", run(folder, "first", "filo ls\nfilo get --quiet photo.jpg --output copy.jpg"))
    assert.equal(folder:read "photo.jpg", folder:read "copy.jpg")
    os.remove(folder:file "copy.jpg")

    local anna, anna_end = machine(folder, "anna", "127.0.0.1:0", keeper_block)
    local _ <close> = anna_end
    anna:expect "is connected"
    local shares, accepts = share:match "^(filo share[^\n]*\n)(.*)$"
    run(folder, "first", shares)
    assert.matches("single objects of it can be read", run(folder, "anna", accepts))
    assert.equal(folder:read "photo.jpg", folder:read "copy.jpg")
  end)

  it("gets back what a lost machine had stored, with its identity", function()
    local first_block, second_block, _, _, _, restore = table.unpack(blocks("README.md", "Daily use", "sh"))
    local folder <close> = new_folder()
    local _, _, first_end = first_machine(folder, first_block)
    local _ <close> = first_end
    do
      local lost, lost_end = machine(folder, "lost", "127.0.0.1:0", second_block)
      local _ <close> = lost_end
      lost:expect "is connected"
      run(folder, "lost", "filo put photo.jpg\ncp lost/.local/share/filo/identity .")
    end
    local new, new_end = machine(folder, "new", "127.0.0.1:0", restore)
    local _ <close> = new_end
    new:expect "is connected"
    run(folder, "new", "filo get photo.jpg --output copy.jpg")
    assert.equal(folder:read "photo.jpg", folder:read "copy.jpg")
  end)
end)

describe("the policies in lua/README.md", function()
  it("are taken by a node", function()
    local options = assert(load("local filo = require 'filo'\n" .. blocks("lua/README.md", "Policies", "lua")[1]))()
    local net <close> = nodes.net()
    local a = net:cluster(3, options)
    assert.equal(2, #assert(a:store("key", "content", { class = 1 })).copies)
    assert.matches("copies in 1 zone only, and the policy wants them in 2", tostring(select(2, a:store("other", "content"))))
  end)

  it("may be one that a file returns", function()
    local folder <close> = temp.folder()
    local path = folder:write("policy.lua", (blocks("lua/README.md", "Policies", "lua")[2]))
    local policy = assert(sim.load(path)).policy
    assert.equal("two copies where there is most room", policy.name)
    local net <close> = nodes.net()
    local a = net:cluster(3, { policy = dofile(path) })
    assert.equal(2, #assert(a:store("key", "content")).copies)
  end)
end)
