---kill -9 at moments that progress decides: what was acknowledged is there and whole, nothing half is to be seen.

local filo = require "filo"
local forge = require "spec.support.forge"
local inside = require "filo.base.inside"
local lfs = require "lfs"
local nodes = require "spec.support.nodes"
local process = require "spec.support.process"
local strangers = require "spec.support.stranger"
local temp = require "spec.support.temp"

local MIB = 1 << 20

local NODE = [[
  local filo = require "filo"
  local function say(...)
    print(...)
    io.stdout:flush()
  end
  local node <close> = assert(filo.node {
    root = arg[1], cluster = arg[2], durability = arg[3], listen = "127.0.0.1:0", tls = false, reserve = 0, log = function() end,
  })
]]

---Many objects, eight at a time; each is named after its content, which can so be made again.
local STORE_MANY = NODE .. [[
  local next_number = tonumber(arg[4])
  local workers = {}
  for i = 1, 8 do
    workers[i] = function()
      while true do
        next_number = next_number + 1
        local key = "object " .. next_number
        assert(node:store(key, key:rep(next_number % 7 == 0 and 20000 or next_number % 100)))
        say("stored", key)
      end
    end
  end
  filo.all(workers)
]]

---One large object in pieces, over and over.
local STORE_LARGE = NODE .. [[
  for version = tonumber(arg[4]), math.maxinteger do
    local piece, given = ("%015d\n"):format(version):rep(65536), 0
    assert(node:store("large", function()
      given = given + 1
      say("given", given)
      return given <= 8 and piece or nil
    end))
    say("stored", version)
  end
]]

local KEEP = NODE .. [[
  say("at", node.address)
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

local function start(folder, code, durability, first)
  return process.start { folder:write("script.lua", code), folder:file "root", nodes.SECRET, durability, tostring(first or 0) }
end

---Kills the child when it has written so many lines that start with a word; gives all that it wrote.
local function kill_after(child, word, count)
  nodes.wait(function() return child:has_ended() or select(2, child:output():gsub(word .. "\t", "")) >= count end, "progress", 60)
  child:kill "KILL"
  local result = child:wait()
  assert.equal(9, result.signal, result.err)
  return result.out
end

---What lies in the root's tmp.
local function drafts(folder)
  local names = {}
  for name in lfs.dir(folder:file "root/tmp") do
    if name:sub(1, 1) ~= "." then names[#names + 1] = name end
  end
  return names
end

---A node on the root that the killed one has left.
local function restart(folder)
  return assert(filo.node { root = folder:file "root", reserve = 0, durability = "none", log = function() end })
end

---Nothing half is to be seen.
local function check_whole(folder, node)
  assert.same({}, drafts(folder))
  local damaged <close> = assert(io.popen("ls -A " .. temp.quote(folder:file "root/bad")))
  assert.equal("", damaged:read "a")
  for item in node:list() do assert(node:verify(item.key)) end
  local walk <close> = assert(inside.of(node).disk:walk(inside.of(node).namespace)) -- list passes over what is no object
  repeat
    local entries = assert(walk:next())
    for _, entry in ipairs(entries) do assert.is_nil(entry.problem) end
  until #entries == 0
end

describe("after kill -9 while a node stores", function()
  for seed, durability in ipairs { "full", "group", "none" } do
    it("many objects, all that were acknowledged are there: " .. durability, function()
      local folder <close> = temp.folder()
      local random, acknowledged, first = seeded(seed), {}, 0
      for _ = 1, 5 do
        local child <close> = start(folder, STORE_MANY, durability, first)
        for key in kill_after(child, "stored", random(100)):gmatch "stored\t([^\n]+)\n" do acknowledged[key] = true end
        local node <close> = restart(folder)
        check_whole(folder, node)
        for key in pairs(acknowledged) do
          local number = tonumber(key:match "%d+")
          local content, err = nodes.content(node, key)
          assert.is_true(content == key:rep(number % 7 == 0 and 20000 or number % 100), tostring(err))
        end
        first = first + 1000
      end
    end)
  end

  it("a large object, the last version that was acknowledged, or the next, is there", function()
    local folder <close> = temp.folder()
    local random, last = seeded(4), 0
    for _ = 1, 4 do
      local child <close> = start(folder, STORE_LARGE, "full", last + 1)
      local out, acknowledged = kill_after(child, "given", 1 + random(20)), last
      for version in out:gmatch "stored\t(%d+)\n" do acknowledged = tonumber(version) end
      local node <close> = restart(folder)
      check_whole(folder, node)
      local content = nodes.content(node, "large")
      if not content then
        assert.equal(0, acknowledged)
      else
        assert.equal(8 * MIB, #content)
        local found = tonumber(content:sub(1, 15))
        assert.is_true(content == content:sub(1, 16):rep(#content // 16))
        assert.is_true(found == acknowledged or found == acknowledged + 1, found .. " after " .. acknowledged)
        last = found
      end
    end
  end)
end)

---Stores objects and deletes them, drops copies for others and takes them back: all the time what lies in the trash changes.
local TRASH = NODE:gsub("listen =", "trash = { deletes = true }, %0") .. [[
  local number = tonumber(arg[4])
  while true do
    number = number + 1
    local key = "object " .. number
    assert(node:store(key, key:rep(number % 7 == 0 and 20000 or number % 100)))
    say("stored", key)
    assert(node:delete(key))
    say("deleted", key)
    if number % 3 == 0 then
      assert(node:undelete(key))
      say("undeleted", key)
    end
  end
]]

describe("after kill -9 while a node deletes and undeletes", function()
  for seed, durability in ipairs { "full", "group", "none" } do
    it("what was acknowledged holds, and nothing is lost: " .. durability, function()
      local folder <close> = temp.folder()
      local random, state, first = seeded(seed + 10), {}, 0
      for _ = 1, 4 do
        local child <close> = start(folder, TRASH, durability, first)
        for what, key in kill_after(child, "deleted", random(30)):gmatch "(%l+)\t([^\n]+)\n" do state[key] = what end
        local node <close> = assert(filo.node {
          root = folder:file "root", reserve = 0, durability = "none", log = function() end, trash = { deletes = true },
        })
        check_whole(folder, node)
        local in_trash = {}
        for copy in node:trash() do in_trash[copy.key] = true end
        for key, what in pairs(state) do
          local number = tonumber(key:match "%d+")
          local content = nodes.content(node, key)
          if what == "deleted" and content then state[key] = "undeleted" end -- that was not acknowledged, and was done
          if state[key] == "deleted" or not content then
            assert.is_true(in_trash[key], key .. " was " .. what)
            assert(node:undelete(key))
            state[key], content = "undeleted", nodes.content(node, key)
          end
          assert.is_true(content == key:rep(number % 7 == 0 and 20000 or number % 100), key .. " was " .. what)
        end
        first = first + 1000
      end
    end)
  end
end)

---Versions that were noted and not replaced: they still lie in their places, too.
local function count_noted(folder)
  local linked <close> = assert(io.popen("find " .. temp.quote(folder:file "root/versions") .. " -type f -links +1"))
  return select(2, linked:read("a"):gsub("\n", ""))
end

---Writes over a few objects again and again, where old versions are kept.
local VERSIONS = NODE:gsub("listen =", "policy = filo.policy.with({ keep_versions = 3 }, filo.policy.copies(1)), %0") .. [[
  for number = tonumber(arg[4]) + 1, math.maxinteger do
    local key = "object " .. number % 5
    assert(node:store(key, (key .. " " .. number .. "\n"):rep(number % 7 == 0 and 20000 or 1 + number % 100)))
    say("stored", number)
  end
]]

describe("after kill -9 while a node replaces versions that are kept", function()
  for seed, durability in ipairs { "full", "group", "none" } do
    it("the last ones are there, and no more: " .. durability, function()
      local folder <close> = temp.folder()
      local random, last = seeded(seed + 20), 0
      for _ = 1, 4 do
        local child <close> = start(folder, VERSIONS, durability, last)
        for number in kill_after(child, "stored", 20 + random(40)):gmatch "stored\t(%d+)\n" do last = tonumber(number) end
        local noted = count_noted(folder)
        local node <close> = assert(filo.node {
          root = folder:file "root", reserve = 0, durability = "none", log = function() end,
          policy = filo.policy.with({ keep_versions = 3 }, filo.policy.copies(1)),
        })
        check_whole(folder, node)
        local disk = inside.of(node).disk -- listing them opens them, and what is open stays
        nodes.wait(function() return (disk:old_usage "versions") == 15 + noted end, "end of what is too many")
        for i = 0, 4 do
          local key = "object " .. i
          local now = tonumber(nodes.content(node, key):match "^object %d (%d+)\n")
          assert.is_true(now == last - (last - i) % 5 or now == last + 1, now .. " after " .. last)
          local list = assert(node:versions(key))
          assert.equal(3, #list)
          for before, each in ipairs(list) do
            local object <close> = assert(node:get(key, { version = each.version }))
            assert.equal(now - 5 * before, tonumber(object:read("a"):match "^object %d (%d+)\n"))
          end
        end
        last = last + 1 -- the next may have been stored
      end
    end)
  end
end)

describe("after kill -9 while a peer receives", function()
  local CHUNKS, AHEAD = 12, 4 -- a receiver gives credit for so many chunks beyond those that it has written

  it("what had landed is not sent again, and nothing is to be seen before it is whole", function()
    local folder <close> = temp.folder()
    local owner = assert(filo.crypto.identity_generate()):namespace()
    local random = seeded(5)
    for round = 1, 4 do
      local forged = forge(owner, { content = nodes.bytes(CHUNKS * MIB, round), key_hash = filo.crypto.digest("sha256", "key " .. round) })
      local landed = random(CHUNKS - AHEAD) - 1
      local first <close> = start(folder, KEEP, "full")
      do
        local sender <close> = strangers.meet({ address = first:expect "at\t(%S+)\n" }, { tls = false })
        assert(sender:offer(forged))
        sender.line:write_stream(1, forged.hashes .. forged.content:sub(1, landed * MIB + random(MIB)))
        assert(sender.line:wait_credit(1, #forged.hashes + (landed + AHEAD) * MIB))
        first:kill "KILL"
        first:wait()
      end
      local second <close> = start(folder, KEEP, "full")
      local sender <close> = strangers.meet({ address = second:expect "at\t(%S+)\n" }, { tls = false })
      assert.same({}, (sender:find(forged)))
      assert.equal("not_found", select(2, sender:read(forged)).code)
      local fill, answer = sender:offer(forged)
      assert(fill, answer)
      assert.is_true(answer.want >= landed, ("%d are wanted from, %d had landed"):format(answer.want, landed))
      assert.equal(landed == 0 and answer.want == 0 and answer.hashes, answer.hashes)
      assert.same({}, (sender:deliver(forged, fill, answer)))
      assert.is_true(forged.hashes .. forged.content == sender:read(forged))
      assert.same({}, drafts(folder))
      second:kill "KILL"
      second:wait()
    end
  end)
end)
