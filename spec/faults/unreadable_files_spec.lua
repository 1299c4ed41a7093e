---Folders and files that cannot be read.

local mortal = require "spec.support.mortal"
local nodes = require "spec.support.nodes"
local process = require "spec.support.process"
local temp = require "spec.support.temp"

-- One folder that could not be read ended a listing with an error, and hid objects that had been read already.

local SCRIPT = [[
  local filo = require "filo"
  local inside = require "filo.base.inside"
  local lines = {}
  local node <close> = assert(filo.node {
    root = arg[1], durability = "none", reserve = 0,
    log = function(level, message)
      if message:find "^cannot list" then lines[#lines + 1] = level .. ": " .. message end
    end,
  })
  for i = 1, 20 do assert(node:store("key " .. i, "content")) end
  node:usage() -- the catalogue is made, and has all of that
  local function set_mode(mode, folder)
    assert(os.execute(("chmod %s '%s/objects/%s/%s'"):format(mode, node.root, node:namespace().id, folder)))
  end
  local function count()
    local seen = 0
    for _ in node:list() do seen = seen + 1 end
    return seen
  end
  local hidden = node:path_of(node:key_hash "key 1"):match "^[^/]+"
  set_mode("000", hidden)
  local entries, problems = 0, 0
  local walk <close> = assert(inside.of(node).disk:walk())
  repeat
    local batch = assert(walk:next())
    for _, entry in ipairs(batch) do
      entries = entries + 1
      if entry.problem then problems = problems + (entry.path == hidden and entry.problem == "denied" and 1 or 100) end
    end
  until not batch[1]
  print(entries, problems, count())
  print((lines[1]:gsub("/objects/%x+/" .. hidden .. "/.*: ", "/HIDDEN: ")))
  set_mode("700", hidden)
  print(count())
  set_mode("000", "")
  print(count(), lines[#lines]:match "cannot list %d+ more")
  set_mode("700", "")
]]

---A node with a tombstone that it cannot read has a new peer.
local TELL = [[
  local filo = require "filo"
  local inside = require "filo.base.inside"
  local told = filo.channel(1)
  local function start(name, options)
    options.root, options.cluster, options.listen = arg[1] .. name, "a secret of a test", "127.0.0.1:0"
    options.durability, options.reserve = "none", 0
    return assert(filo.node(options))
  end
  local first <close> = start("first", {
    log = function(_, message)
      if message:find "deletions" then told:send(message) end
    end,
  })
  for i = 1, 20 do assert(first:store("key " .. i, "content")) end
  assert(first:delete "key 1")
  local hidden = first:path_of(first:key_hash "key 1"):match "^[^/]+"
  local folder = ("'%s/objects/%s/%s'"):format(first.root, first:namespace().id, hidden)
  assert(os.execute("chmod 000 " .. folder))
  local second <close> = start("second", { bootstrap = { first.address }, log = function() end })
  print((told:receive():gsub(" " .. hidden .. "/%S+ cannot", " HIDDEN cannot")))
  print(inside.of(first).tombstones.caught_up[second.id])
  assert(os.execute("chmod 700 " .. folder))
]]

---A catalogue is made while a folder cannot be read.
local MADE_MEANWHILE = [[
  local filo = require "filo"
  local function start(log) return assert(filo.node { root = arg[1], durability = "group", reserve = 0, log = log }) end
  local node = start(function() end)
  for i = 1, 20 do assert(node:store("key " .. i, "content")) end
  local hidden = node:path_of(node:key_hash "key 1"):match "^[^/]+"
  local folder = ("%s/objects/%s/%s"):format(node.root, node:namespace().id, hidden)
  node:close()
  os.remove(arg[1] .. "/catalogue")
  assert(os.execute("chmod 000 " .. folder))
  local told
  node = start(function(_, message) if message:find "^cannot list" then told = message end end)
  local function has(key)
    for item in node:keys() do
      if item.key == key then return true end
    end
    return false
  end
  print(has "key 1", told == ("cannot list %s: denied"):format(folder))
  assert(os.execute("chmod 700 " .. folder))
  print(has "key 1")
  node:close()
]]

describe("a folder that cannot be read", function()
  it("hides what is in it, and no more", function()
    local folder <close> = temp.folder()
    local result = process.run(mortal { folder:write("script.lua", SCRIPT), folder:file "root" })
    assert.equal("", result.err)
    local entries, listed, line, all, none, others = result.out:match "^(%d+)\t1\t(%d+)\n(.-)\n(%d+)\n(%d+)\t(.-)\n$"
    assert(entries, result.out)
    assert.equal(tonumber(entries), listed + 1)
    assert.is_true(tonumber(listed) >= 15 and tonumber(listed) < 20)
    assert.equal("warning: cannot list " .. folder:file "root/HIDDEN: denied", line)
    assert.same({ "20", "0", "cannot list 19 more" }, { all, none, others })
  end)

  it("hides what is in it from a catalogue that is made meanwhile, until it can be read", function()
    local folder <close> = temp.folder()
    local result = process.run(mortal { folder:write("script.lua", MADE_MEANWHILE), folder:file "root" })
    assert.same({ "", "false\ttrue\ntrue\n" }, { result.err, result.out })
  end)

  it("leaves it open whether a peer knows all deletions", function()
    local folder <close> = temp.folder()
    local result = process.run(mortal { folder:write("script.lua", TELL), folder:file "" })
    assert.equal("", result.err)
    assert.equal("peers could not be told of deletions: HIDDEN cannot be read: it is tried again\nnil\n", result.out)
  end)
end)

-- Listing wrote a line to the log for each file that it could not read.

local FORMAT_AT = -12 -- of the footer; all bits flipped it is one that may come one day

describe("a listing with many files that cannot be read", function()
  local function warnings(net, act)
    net.lines = {}
    act()
    local found = {}
    for _, line in ipairs(net.lines) do found[#found + 1] = line:match "^a warning: (cannot list .*)" end
    return found
  end

  it("names the first and counts the others", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    local function list()
      local keys = {}
      for item in a:list() do keys[#keys + 1] = item.key end
      return keys
    end
    for i = 1, 10 do assert(a:store("key " .. i, "content")) end
    for i = 1, 9 do
      nodes.flip(nodes.place(a, a, "key " .. i), FORMAT_AT)
      local found = warnings(net, function() assert.equal(10 - i, #list()) end)
      assert.matches("^cannot list .*/a/objects/%x+/%x%x/%x+: unsupported$", found[1])
      assert.equal(i > 1 and ("cannot list %d more below %s/objects/%s"):format(i - 1, a.root, a:namespace().id) or nil, found[2])
      assert.equal(i > 1 and 2 or 1, #found)
    end
  end)
end)
