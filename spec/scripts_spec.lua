local crypto = require "filo.core.crypto"
local filo = require "filo"
local process = require "spec.support.process"
local temp = require "spec.support.temp"

local SECRET = "the secret of all nodes in this test"

---Starts a script of ours in a process of its own, in the folder, with the secret.
local function start(folder, name, ...)
  local command = { "scripts/" .. name .. ".lua", ... }
  command.env = { FILO_SECRET_FILE = folder:file "secret" }
  return process.start(command)
end

local function run(folder, name, ...)
  local child <close> = start(folder, name, ...)
  return child:wait()
end

local function new_folder()
  local folder = temp.folder()
  folder:write("secret", SECRET .. "\n")
  return folder
end

---Two peers in processes of their own. Gives their addresses as the scripts take them; they end with the scope.
local function two_peers(folder)
  local peers = {}
  for i = 1, 2 do peers[i] = start(folder, "peer", folder:file("peer" .. i), "127.0.0.1:0") end
  local addresses = {}
  for i, peer in ipairs(peers) do addresses[i] = peer:expect "node %x+ at ([%d.:]+)\n" end
  return table.concat(addresses, ","), setmetatable(peers, { __close = function()
    for _, peer in ipairs(peers) do peer:close() end
  end })
end

local function shell(command)
  local pipe <close> = assert(io.popen(command))
  return pipe:read "a"
end

local function count_objects(folder, name)
  return tonumber(shell(("find %s -type f 2>/dev/null | wc -l"):format(temp.quote(folder:file(name .. "/objects")))))
end

---GET of a path: status line, headers, body.
local function http_get(address, path)
  local connection <close> = assert(filo.dial(address))
  assert(connection:write(("GET /%s HTTP/1.1\r\nHost: here\r\n\r\n"):format(path)))
  local head, body = connection:read("a", 20):match "^(.-)\r\n\r\n(.*)$"
  return head, body
end

describe("scripts/demo.lua", function()
  it("tells its story, compares everything and cleans up", function()
    local result = process.run { "scripts/demo.lua" }
    assert.equal("", result.err)
    assert.equal(0, result.status)
    assert.matches("All is well: %d%d%d+ comparisons, no difference", result.out)
    assert.is_nil(result.out:find "\27")
    local lines = select(2, result.out:gsub("\n", ""))
    assert.is_true(lines <= 45, "it fits a screen: " .. lines .. " lines")
    local folder = assert(result.out:match "/tmp/filo%-demo%.%w+")
    assert.equal("", shell("ls -d " .. folder .. " 2>/dev/null"))
  end)

  it("runs from any folder", function()
    local folder <close> = temp.folder()
    local here = shell("pwd"):match "[^\n]+"
    local result = process.run { here .. "/scripts/demo.lua", cwd = folder.path }
    assert.equal("", result.err)
    assert.equal(0, result.status)
  end)

  it("exits with 1 when a node gives back other bytes than it was given", function()
    local result = process.run { "-l", "spec.support.broken_object", "scripts/demo.lua" }
    assert.equal(1, result.status)
    assert.matches("this should not happen: '.-' came back with other bytes", result.err)
    assert.is_nil(result.out:find "All is well")
    assert.equal("", shell("ls -d " .. result.out:match "/tmp/filo%-demo%.%w+" .. " 2>/dev/null"))
  end)
end)

describe("scripts/mirror-folder.lua", function()
  it("stores what is new or has changed, deletes what is gone", function()
    local folder <close> = new_folder()
    local peers, processes = two_peers(folder)
    local _ <close> = processes
    os.execute("mkdir -p " .. temp.quote(folder:file "files/sub folder"))
    folder:write("files/one", "1")
    folder:write("files/sub folder/zwei ü", "2")
    folder:write("files/empty", "")
    local function mirror() return run(folder, "mirror-folder", folder:file "files", folder:file "root", peers) end

    local result = mirror()
    assert.matches("^filo: a new node, %x+: keep a copy of [^\n]+/identity, [^\n]+\n$", result.err)
    assert.equal("3 stored, 0 deleted, 0 failed; 2 peers\n", result.out)
    assert.equal(0, result.status)
    assert.equal("0 stored, 0 deleted, 0 failed; 2 peers\n", mirror().out)

    folder:write("files/one", "changed")
    os.remove(folder:file "files/empty")
    assert.equal("1 stored, 1 deleted, 0 failed; 2 peers\n", mirror().out)

    os.execute("rm -rf " .. temp.quote(folder:file "root/objects"))
    local node <close> = assert(filo.node {
      root = folder:file "root", cluster = SECRET, bootstrap = { (peers:match "[^,]+") }, log = function() end,
    })
    assert.equal(1, node:ready())
    for key, content in pairs { one = "changed", ["sub folder/zwei ü"] = "2" } do
      local object <close> = assert(node:get(key))
      assert.equal("peers", object.from)
      assert.equal(content, object:read "a")
    end
    assert.is_nil(node:get "empty")
  end)

  it("does nothing while a peer is away", function()
    local folder <close> = new_folder()
    local peers, processes = two_peers(folder)
    local _ <close> = processes
    os.execute("mkdir " .. temp.quote(folder:file "files"))
    folder:write("files/one", "1")
    processes[2]:close()
    local result = run(folder, "mirror-folder", folder:file "files", folder:file "root", peers)
    assert.equal(1, result.status)
    assert.matches("1 of 2 peers are connected: nothing was done", result.err)
  end)

  it("tells of a refusal, and stores the file again in the next run", function()
    local folder <close> = new_folder()
    os.execute("mkdir " .. temp.quote(folder:file "files"))
    folder:write("files/one", "1")
    local full = true
    local node <close> = assert(filo.node {
      root = folder:file "peer", listen = "127.0.0.1:0", cluster = SECRET, log = function() end,
      policy = { accept = function() return not full, "full for now" end },
    })
    local function mirror() return run(folder, "mirror-folder", folder:file "files", folder:file "root", node.address) end
    local result = mirror()
    assert.equal(1, result.status)
    assert.equal("0 stored, 0 deleted, 1 failed; 1 peers\n", result.out)
    assert.matches("1 of 2 copies of 'one' were made .*full for now", result.err)
    full = false
    assert.equal("1 stored, 0 deleted, 0 failed; 1 peers\n", mirror().out)
  end)

  it("deletes at the peers a file that one of them refused and that is gone now", function()
    local folder <close> = new_folder()
    local peers, processes = two_peers(folder)
    local _ <close> = processes
    os.execute("mkdir " .. temp.quote(folder:file "files"))
    folder:write("files/kept", "1")
    folder:write("files/gone", "1")
    local node <close> = assert(filo.node {
      root = folder:file "full", listen = "127.0.0.1:0", cluster = SECRET, log = function() end,
      policy = { accept = function(offer) return offer.tombstone or false, "full" end },
    })
    local function mirror() return run(folder, "mirror-folder", folder:file "files", folder:file "root", peers .. "," .. node.address) end
    assert.equal("0 stored, 0 deleted, 2 failed; 3 peers\n", mirror().out)
    os.remove(folder:file "files/gone")
    assert.equal("0 stored, 1 deleted, 1 failed; 3 peers\n", mirror().out)
  end)

  it("stores a file of the same size that changed within a second", function()
    local folder <close> = new_folder()
    local peers, processes = two_peers(folder)
    local _ <close> = processes
    os.execute("mkdir " .. temp.quote(folder:file "files"))
    local path = folder:write("files/one", "1")
    local function mirror() return run(folder, "mirror-folder", folder:file "files", folder:file "root", peers).out end
    os.execute("touch -d @1000000000.25 " .. temp.quote(path))
    assert.equal("1 stored, 0 deleted, 0 failed; 2 peers\n", mirror())
    os.execute("touch -d @1000000000.5 " .. temp.quote(path))
    assert.equal("1 stored, 0 deleted, 0 failed; 2 peers\n", mirror())
    assert.equal("0 stored, 0 deleted, 0 failed; 2 peers\n", mirror())
  end)

  it("does nothing when the folder has no files: it may not be mounted", function()
    local folder <close> = new_folder()
    local peers, processes = two_peers(folder)
    local _ <close> = processes
    os.execute("mkdir " .. temp.quote(folder:file "files"))
    local path = folder:write("files/one", "1")
    local function mirror() return run(folder, "mirror-folder", folder:file "files", folder:file "root", peers) end
    assert.equal("1 stored, 0 deleted, 0 failed; 2 peers\n", mirror().out)
    os.remove(path)
    local result = mirror()
    assert.equal(1, result.status)
    assert.matches("files has no files: nothing was done", result.err)
    folder:write("files/two", "2")
    assert.equal("1 stored, 1 deleted, 0 failed; 2 peers\n", mirror().out)
  end)

  it("wants a peer", function()
    local folder <close> = new_folder()
    local result = run(folder, "mirror-folder", folder.path, folder:file "root", "")
    assert.equal(2, result.status)
    assert.matches("one of PEERS at least", result.err)
  end)

  it("refuses a folder that holds a root", function()
    local folder <close> = new_folder()
    local peers, processes = two_peers(folder)
    local _ <close> = processes
    local result = run(folder, "mirror-folder", folder.path, folder:file "root", peers)
    assert.equal(1, result.status)
    assert.matches("filo%-root lies within .*: choose a root elsewhere", result.err)
  end)
end)

describe("scripts/two-copies-by-free-space.lua", function()
  it("makes one copy here and one at a peer", function()
    local folder <close> = new_folder()
    local peers, processes = two_peers(folder)
    local _ <close> = processes
    local path = folder:write("photo", ("p"):rep(3 << 20))
    local result = run(folder, "two-copies-by-free-space", folder:file "root", peers, path)
    assert.matches("^filo: a new node, [^\n]+\n$", result.err)
    assert.equal(0, result.status)
    assert.matches("photo: 3145728 bytes, copies at %x+ and %x+\n$", result.out)
    assert.equal(1, count_objects(folder, "root"))
    assert.equal(1, count_objects(folder, "peer1") + count_objects(folder, "peer2"))
  end)

  it("says what could not be stored, and stores the rest", function()
    local folder <close> = new_folder()
    local peers, processes = two_peers(folder)
    local _ <close> = processes
    local path = folder:write("photo", "p")
    local result = run(folder, "two-copies-by-free-space", folder:file "root", peers, folder:file "none", path)
    assert.equal(1, result.status)
    assert.matches("none: No such file", result.err)
    assert.matches("photo: 1 bytes", result.out)
    processes[1]:close()
    processes[2]:close()
    result = run(folder, "two-copies-by-free-space", folder:file "root", peers, path)
    assert.equal(1, result.status)
    assert.matches("1 of 2 copies of", result.err)
  end)
end)

describe("scripts/edge-cache.lua", function()
  it("fetches on demand, serves from its cache, evicts what was used least, accepts nothing", function()
    local folder <close> = new_folder()
    local peers, processes = two_peers(folder)
    local _ <close> = processes
    os.execute("mkdir " .. temp.quote(folder:file "files"))
    local big = crypto.random(3 << 20)
    folder:write("files/big", big)
    folder:write("files/kleine Datei", "klein")
    assert.equal(0, run(folder, "mirror-folder", folder:file "files", folder:file "root", peers).status)

    local edge <close> = start(folder, "edge-cache", folder:file "edge", folder:file "root/identity", peers, "127.0.0.1:0", "2")
    local address = edge:expect "serving http://([%d.:]+)\n"
    local head, body
    repeat -- until its peers are connected
      head, body = http_get(address, "kleine%20Datei")
    until head:find "200" or edge:has_ended()
    assert.matches("^HTTP/1.0 200 OK\r\nContent%-Length: 5\r\n", head)
    assert.equal("klein", body)
    local deadline = filo.now() + 10
    repeat head, body = http_get(address, "kleine%20Datei") until head:find "X%-From: here" or filo.now() > deadline
    assert.matches("X%-From: here", head)
    assert.equal("klein", body)
    assert.equal(big, select(2, http_get(address, "big")))
    assert.equal(0, count_objects(folder, "edge"))
    head, body = http_get(address, "no%20such%20file")
    assert.matches("^HTTP/1.0 404", head)
    assert.matches("'no such file' is not here, and none of 2 peers has it", body)
    local second = run(folder, "edge-cache", folder:file "edge2", folder:file "root/identity", peers, address)
    assert.equal(1, second.status)
    assert.matches("edge%-cache.lua: port %d+ is in use", second.err)
    edge:kill "TERM"
    assert.equal("", edge:wait().err)
  end)
end)

describe("each script", function()
  local scripts = {
    { "peer", "two or three arguments expected" },
    { "mirror-folder", "three arguments expected" },
    { "two-copies-by-free-space", "three arguments or more expected" },
    { "edge-cache", "four or five arguments expected" },
  }

  it("is short, and its comment says how to run it", function()
    for _, script in ipairs(scripts) do
      local file <close> = assert(io.open("scripts/" .. script[1] .. ".lua"))
      local text = file:read "a"
      assert.is_true(select(2, text:gsub("\n", "")) < 60, script[1])
      assert.matches("^#!/usr/bin/env filo\n%-%- ", text)
    end
  end)

  it("shows its comment on wrong use, and exits with 2", function()
    for _, script in ipairs(scripts) do
      local result = process.run { "scripts/" .. script[1] .. ".lua" }
      assert.equal(2, result.status)
      assert.equal("", result.out)
      assert.matches(script[1] .. ".lua: " .. script[2], result.err, 1, true)
      assert.matches("FILO_SECRET_FILE=secret filo scripts/" .. script[1] .. ".lua", result.err, 1, true)
    end
  end)

  it("shows it for an address that is none", function()
    local folder <close> = new_folder()
    for _, case in ipairs { { "peer", "root", "127.0.0.1:0", "nonsense" }, { "mirror-folder", ".", "root", "nonsense" },
      { "two-copies-by-free-space", "root", "nonsense", "file" }, { "edge-cache", "root", "identity", "nonsense", "127.0.0.1:0" } } do
      local result = run(folder, table.unpack(case))
      assert.equal(2, result.status)
      assert.matches("^" .. case[1]:gsub("%-", "%%-") .. ".lua: [^\n]*nonsense", result.err)
    end
  end)

  it("wants a secret in a file", function()
    local folder <close> = temp.folder()
    local four = { folder:file "a", "127.0.0.1:0", "127.0.0.1:1", "127.0.0.1:0" }
    for i, count in ipairs { 2, 3, 3, 4 } do
      local command = { "scripts/" .. scripts[i][1] .. ".lua", table.unpack(four, 1, count) }
      local result = process.run(command)
      assert.equal(2, result.status)
      assert.matches("set FILO_SECRET_FILE to the file with the cluster secret", result.err)
      command.env = { FILO_SECRET_FILE = folder:file "absent" }
      result = process.run(command)
      assert.equal(1, result.status)
      assert.matches("cannot read the cluster secret: .*/absent: No such file", result.err)
      command.env = { FILO_SECRET_FILE = folder:write("short", "1234567\n") }
      result = process.run(command)
      assert.equal(1, result.status)
      assert.matches("the cluster secret in .*/short is too short: 8 bytes or more", result.err)
    end
  end)

  it("says why the node cannot start", function()
    local folder <close> = new_folder()
    folder:write("file", "not a folder")
    local result = run(folder, "peer", folder:file "file", "127.0.0.1:0")
    assert.equal(1, result.status)
    assert.matches("^peer.lua: .*/file", result.err)
    assert.is_nil(result.err:find "traceback")
  end)
end)
