#!/usr/bin/env filo
-- What Filo does, on real files: three nodes in this process, alice, bob and carol.
--
--   filo scripts/demo.lua
--
-- Alice stores files; bob and carol get a copy of each. Then alice's copies are deleted, carol is stopped, a byte on bob's
-- disk is changed, nodes are restarted. Whatever comes back is compared with the file that went in. All of it happens in a
-- temporary folder, which is removed at the end. Exits with 1 when anything differs.

local filo = require "filo"
local crypto = filo.crypto
local is_terminal = require("filo.core.runtime").is_terminal

local MIB = 1 << 20
local AT_ONCE = 32 -- files on their way at once
local bold, normal = "", ""
if is_terminal(1) and not os.getenv "NO_COLOR" then bold, normal = "\27[1m", "\27[0m" end

-- Telling -----------------------------------------------------------------------------------------------------------------

local steps, compared, started = 0, 0, filo.now()

local function say(text, ...) print("   " .. text:format(...)) end
local function heading(text)
  steps = steps + 1
  print(("\n%s%d. %s%s"):format(bold, steps, text, normal))
end

local function hex(bytes) return (crypto.hex(bytes):gsub("..", "%0 ")) end
local function short(id) return id:sub(1, 8) .. "…" end
local function abridge(id) return #id > 32 and short(id) or id end

local function figures(bytes, seconds)
  return ("%.1f MiB in %.2f s, %.0f MiB/s"):format(bytes / MIB, seconds, bytes / MIB / seconds)
end


-- Ends the demo with status 1 when something is not as it should be.
local function check(ok, text, ...)
  if not ok then error("this should not happen: " .. text:format(...), 0) end
end

-- Files -------------------------------------------------------------------------------------------------------------------

local function quoted(word) return "'" .. word:gsub("'", "'\\''") .. "'" end

local function lines_of(command)
  local pipe, lines = assert(io.popen(command)), {}
  for line in pipe:lines() do lines[#lines + 1] = line end
  assert(pipe:close())
  return lines
end

local folder = lines_of("mktemp -d /tmp/filo-demo.XXXXXX")[1]

-- So many bytes from an offset on; a negative one counts from the end.
local function read_part(path, offset, count)
  local file <close> = assert(io.open(path, "rb"))
  assert(file:seek(offset < 0 and "end" or "set", offset))
  return file:read(count)
end

-- How many of these words, of up to LONGEST bytes, a file has.
local LONGEST = 64
local function count_words(path, words)
  local found, overlap = 0, ""
  for piece in io.lines(path, MIB) do
    local text = overlap .. piece
    for _, word in ipairs(words) do found = found + (text:find(word, 1, true) and 1 or 0) end
    overlap = text:sub(-LONGEST)
    filo.sleep(0) -- the nodes go on meanwhile
  end
  return found
end

local function sha256(pieces)
  local hasher <close> = assert(crypto.hasher "sha256")
  for piece in pieces do
    assert(hasher:update(piece))
    filo.sleep(0) -- the nodes have a turn
  end
  return assert(hasher:finish())
end

-- A file to store, with the hash that is to come back.
local function describe(key, path)
  local file <close> = assert(io.open(path, "rb"))
  return { key = key, path = path, size = file:seek "end", hash = sha256(io.lines(path, MIB)) }
end

local function make_file(key, piece, count)
  local path = folder .. "/" .. key
  local file <close> = assert(io.open(path, "wb"))
  for _ = 1, count or 1 do assert(file:write(piece or assert(crypto.random(MIB)))) end
  file:close()
  return describe(key, path)
end

local function source_tree()
  local files, top = {}, (arg[0]:match "^(.*)/" or ".") .. "/.."
  for _, path in ipairs(lines_of("cd " .. quoted(top) .. " && find core lua scripts spec -type f")) do
    files[#files + 1] = describe(path, top .. "/" .. path)
  end
  return files
end

-- Nodes -------------------------------------------------------------------------------------------------------------------

local secret = crypto.hex(crypto.random(16))
local nodes = {}

local function start(name, listen, bootstrap)
  nodes[name] = assert(filo.node {
    root = folder .. "/" .. name, listen = listen or "127.0.0.1:0", bootstrap = bootstrap, cluster = secret,
    durability = "group", reserve = 0, log = function() end,
  })
  return nodes[name]
end

local function stop(name)
  nodes[name]:close()
  nodes[name] = nil
end

local _ <close> = setmetatable({}, { __close = function()
  for name in pairs(nodes) do stop(name) end
  os.execute("rm -rf " .. quoted(folder) .. " &")
  while os.rename(folder, folder) do filo.sleep(0.01) end
end })

local function wait_for_peers(node, count)
  filo.timeout(60, function()
    while #node:peers() ~= count do filo.sleep(0.005) end
  end)
  check(#node:peers() == count, "%d peers are connected, not %d", #node:peers(), count)
end

-- Calls fn(file) for every file, some at once. Gives the bytes of them all, and the seconds it took.
local function for_each(files, fn)
  local before, last, bytes, workers = filo.now(), 0, 0, {}
  for i = 1, AT_ONCE do
    workers[i] = function()
      while last < #files do
        last = last + 1
        local file = files[last]
        bytes = bytes + file.size
        fn(file)
      end
    end
  end
  filo.all(workers)
  return bytes, filo.now() - before
end

-- Gives the copies made, too.
local function store_all(files)
  local copies = 0
  local bytes, seconds = for_each(files, function(file)
    local receipt = assert(nodes.alice:store(file.key, filo.file(file.path)))
    check(#receipt.copies == 3, "'%s' has %d copies", file.key, #receipt.copies)
    copies = copies + #receipt.copies
  end)
  return bytes, seconds, copies
end

local function get_all(files)
  return for_each(files, function(file)
    local object <close> = assert(nodes.alice:get(file.key))
    check(sha256(object:chunks()) == file.hash, "'%s' came back with other bytes", file.key)
    compared = compared + 1
  end)
end

local function delete_copies(files) for_each(files, function(file) assert(nodes.alice:evict(file.key)) end) end

local function objects_of(name) return lines_of(("find '%s/%s/objects' -type f"):format(folder, name)) end

-- The file of an object of alice's in a node's folder.
local function place_of(name, key)
  local alice = nodes.alice
  return ("%s/%s/objects/%s/%s"):format(folder, name, alice:namespace().id, alice:path_of(alice:key_hash(key)))
end

-- Changes every bit of one byte of a file.
local function flip(path, at)
  local file <close> = assert(io.open(path, "r+b"))
  file:seek("set", at)
  local byte = file:read(1)
  file:seek("set", at)
  assert(file:write(string.char(byte:byte() ~ 0xff)))
end

-- The story ---------------------------------------------------------------------------------------------------------------

print(bold .. "Filo demo: three nodes in one process, and real files" .. normal)

heading "Start alice, bob and carol, each with an identity and a folder of its own"
local bob, carol = start "bob", start "carol"
local bootstrap = { bob.address, carol.address }
local alice = start("alice", nil, bootstrap)
wait_for_peers(alice, 2)
for _, name in ipairs { "alice", "bob", "carol" } do
  say("%-5s  node %s  at %-15s  in %s/%s", name, short(nodes[name].id), nodes[name].address, folder, name)
end

heading "Store files on alice: encrypted there, then a copy sent to each peer"
local TEXT = "The café in Zürich opens at seven.\n"
local files = source_tree()
local random, text = make_file("random.bin", nil, 64), make_file("Café in Zürich.txt", TEXT)
local function store(what, list)
  local bytes, seconds, copies = store_all(list)
  local rate = bytes >= MIB and (" %5.0f MiB/s"):format(bytes / MIB / seconds) or ""
  say("%s%s %10d bytes %4d copies %7.3f s%s", what, (" "):rep(33 - utf8.len(what)), bytes, copies, seconds, rate)
end
store(("%d files of Filo's own source"):format(#files), files)
for _, file in ipairs { random, make_file("nothing in it", ""), text } do
  store("'" .. file.key .. "'", { file })
  files[#files + 1] = file
end

heading "What bob sees of it: ciphertext, under a name that says nothing"
local place = place_of("bob", text.key)
say("the text   %s  '%s…'", hex(TEXT:sub(1, 16)), TEXT:sub(1, 16))
say("bob's copy %s  %s", hex(read_part(place, 16, 16)), place:sub(#folder + 2):gsub("%x+", abridge))
local known = { TEXT, text.key, read_part(random.path, -LONGEST, LONGEST), read_part(files[1].path, 0, LONGEST) }
local found = 0
for _, path in ipairs(objects_of "bob") do found = found + count_words(path, known) end
check(found == 0, "bob can read some of it")
say("bob's %d files, searched for pieces of the originals: %d found", #objects_of "bob", found)

heading "Delete alice's copies, and fetch everything back from her peers"
delete_copies(files)
say("alice's folder holds %d objects", #objects_of "alice")
say("%d files came back from %d peers, SHA-256 equal: %s", #files, #alice:peers(), figures(get_all(files)))

heading "Stop carol, delete alice's copies again: bob alone is enough"
stop "carol"
delete_copies(files)
say("%d files came back from %d peer, SHA-256 equal: %s", #files, #alice:peers(), figures(get_all(files)))

heading "Flip one byte of 'random.bin' on bob's disk, and delete alice's copy of it"
local told = filo.channel()
bob:on("corrupt", function(_, _, err) told:send(err) end)
flip(place_of("bob", random.key), 40 * 1000 * 1000)
local gone, err = alice:evict(random.key)
check(not gone and err.code == "not_enough_copies", "the damage was not noticed (%s)", tostring(err))
say("bob reads his before hers goes: %s", tostring(told:receive(10)):match "chunk %d+" .. " does not match its hash")
say("he sets it aside, and hers stays: it is the last good one")

heading "Start carol again on her folder: a good copy is there"
local id = carol.id
carol = start("carol", bootstrap[2])
check(carol.id == id, "carol has another ID")
wait_for_peers(alice, 2)
say("carol is node %s as before, with %d objects", short(carol.id), #objects_of "carol")
delete_copies { random }
say("'random.bin' came back, SHA-256 equal: %s", figures(get_all { random }))

heading "Restart alice on her folder, without any peer"
stop "alice"
alice = start "alice"
local listed = 0
for _ in alice:keys() do listed = listed + 1 end
check(listed == #files, "alice lists %d objects, not %d", listed, #files)
say("%d objects listed and read, SHA-256 equal: %s", listed, figures(get_all(files)))

print(("\n%sAll is well:%s %d comparisons, no difference, in %.1f s"):format(bold, normal, compared, filo.now() - started))
