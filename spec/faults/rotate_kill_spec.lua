---kill -9 while the keys of a namespace are changed, again and again: each object has its old record or its new one, whole, and in the end
---all have the new one.

local filo = require "filo"
local inside = require "filo.base.inside"
local nodes = require "spec.support.nodes"
local process = require "spec.support.process"
local stores = require "spec.support.stores"
local temp = require "spec.support.temp"

local OBJECTS = 150

---Rotates where it is told to; then tells how much is left until nothing is.
local ROTATE = [[
  local filo = require "filo"
  local function say(...)
    print(...)
    io.stdout:flush()
  end
  local node <close> = assert(filo.node { root = arg[1], durability = arg[2], reserve = 0, log = function() end })
  say("left", "at the start")
  if arg[3] == "rotate" then say("left", assert(node:rotate { wait = false }).left) end
  while true do
    local left = node:rotation().left
    say("left", left)
    if left == 0 then break end
  end
  node:wait()
]]

---The same numbers in every run, all over the range.
local function seeded(seed)
  local state = seed
  return function(most)
    state = (state * 1103515245 + 12345) % (1 << 31)
    return 1 + (state >> 8) % most
  end
end

local function content_of(i) return ("content %d\n"):format(i):rep(i % 10 == 0 and 20000 or i) end

local function open(folder)
  return assert(filo.node { root = folder:file "root", reserve = 0, durability = "none", log = function() end })
end

---What lies there, looked at beside what a node would do with it. Gives the newest generation, and how many there are.
local function check_whole(folder)
  assert.same({}, stores.list(folder:file "root/bad"))
  local node <close> = assert(filo.node { root = folder:file "root", readonly = true, log = function() end })
  local seen, newest, count = {}, 0, 0
  for i = 1, OBJECTS do
    local key = "key " .. i
    local fields = assert(inside.of(node).disk:stat(inside.of(node).namespace, node:path_of(node:key_hash(key))))
    if not seen[fields.generation] then count = count + 1 end
    seen[fields.generation], newest = true, math.max(newest, fields.generation)
    assert.is_true(content_of(i) == assert(nodes.content(node, key)), key)
  end
  return newest, count
end

describe("after kill -9 while keys are changed", function()
  for seed, durability in ipairs { "full", "group", "none" } do
    it("each object is whole, and all have new keys in the end: " .. durability, function()
      local folder <close> = temp.folder()
      do
        local node <close> = open(folder)
        for i = 1, OBJECTS do assert(node:store("key " .. i, content_of(i), { class = i % 256 })) end
      end
      local script, random = folder:write("script.lua", ROTATE), seeded(seed)
      local newest, partly = 0, 0
      for round = 1, 9 do
        local rotates = round % 3 == 1
        local child <close> = process.start { script, folder:file "root", durability, rotates and "rotate" or "go on" }
        local lines = random(12)
        nodes.wait(function()
          local out = child:output()
          return select(2, out:gsub("left\t", "")) >= lines or out:find "left\t0\n"
        end, "progress", 60)
        child:kill "KILL"
        assert.equal(9, child:wait().signal)
        local found, count = check_whole(folder)
        newest, partly = math.max(newest, found), partly + (count > 1 and 1 or 0)
      end
      assert.is_true(partly > 0, "none was killed in the middle")
      local node <close> = open(folder)
      local number = node:rotation().generation
      assert.is_true(number >= 1 and number <= 3 and number >= newest)
      nodes.wait(function() return node:rotation().left == 0 end, "end of the rotation", 60)
      for i = 1, OBJECTS do
        local key = "key " .. i
        local fields = inside.of(node).disk:stat(inside.of(node).namespace, node:path_of(node:key_hash(key)))
        assert.same({ number, i % 256 }, { fields.generation, fields.class })
        assert(node:verify(key))
        assert.is_true(content_of(i) == nodes.content(node, key))
      end
      assert.same({}, stores.drafts(folder))
    end)
  end
end)
