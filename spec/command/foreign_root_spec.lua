-- A command ran the root's node.lua as whoever called it: `filo ls` of a root in somebody's home ran his code, as root did it.

local commands = require "spec.support.commands"
local lfs = require "lfs"
local process = require "spec.support.process"
local runtime = require "filo.core.runtime"
local temp = require "spec.support.temp"

local NOBODY = 65534

local function shell(format, ...)
  local words = table.pack(...)
  for i, word in ipairs(words) do words[i] = temp.quote(word) end
  assert(os.execute(format:format(table.unpack(words))))
end

local function is_root()
  local pipe <close> = assert(io.popen "id -u")
  return pipe:read "n" == 0
end

---A root with an object, whose node.lua leaves a file when it is run.
local function with_trap()
  local house = commands.house()
  local child = house:first "a"
  house.folder:write("photo", "content")
  assert.equal(0, house:within("a", "put", "photo").status)
  child:kill "TERM"
  child:wait()
  house:write("a", "node.lua", ("io.open(%q, 'w'):close() return { listen = '127.0.0.1:0' }"):format(house.folder:file "ran"))
  return house
end

local function has_run(house)
  local file = io.open(house.folder:file "ran")
  if file then file:close() end
  return file ~= nil
end

---What a command says of a root that was given to another user; or, where that cannot be done, that others can write.
local function run_on_foreign(house, ...)
  shell(is_root() and "chown -R " .. NOBODY .. " %s" or "chmod -R go+w %s", house:root "a")
  return house:run("a", ...)
end

local LOOKS = { { "ls" }, { "stat", "photo" }, { "get", "photo", "--output", "-" }, { "peers" }, { "status" }, { "why", "photo" } }

describe("a command", function()
  it("does not run the node.lua of the root that it works on", function()
    for _, mode in ipairs { "600", "666" } do
      local house <close> = with_trap()
      shell("chmod " .. mode .. " %s", house:root "a" .. "/node.lua")
      for _, words in ipairs(LOOKS) do house:run("a", table.unpack(words)) end
      assert.equal("photo\n", house:run("a", "ls").out)
      assert.equal("content", house:run("a", "get", "photo", "--output", "-").out)
      assert.equal(0, house:run("a", "verify").status)
      assert.is_false(has_run(house))
    end
  end)

  it("reads the root of another user, and runs nothing of his", function()
    local house <close> = with_trap()
    if is_root() then
      shell("chown -R " .. NOBODY .. " %s", house:root "a")
      assert.equal("photo\n", house:run("a", "ls").out)
      assert.equal("content", house:run("a", "get", "photo", "--output", "-").out)
    end
    for _, words in ipairs { { "serve" }, { "invite" }, { "verify" } } do run_on_foreign(house, table.unpack(words)) end
    assert.is_false(has_run(house))
  end)

  it("notes nothing in the root of another user, who could not read that", function()
    local house <close> = with_trap()
    for _, what in ipairs { { "--for", "anna", "--all" }, { "--write" } } do
      local result = run_on_foreign(house, "share", table.unpack(what))
      assert.same({ 1, "" }, { result.status, result.out })
      assert.matches(is_root() and "belongs to the user nobody" or "can be written by other users", result.err)
    end
    for _, name in ipairs { "readers", "namespaces" } do assert.is_nil(lfs.attributes(house:root "a" .. "/" .. name)) end
  end)

  it("has node.lua say what only a function can, when it is the caller's own", function()
    local house <close> = commands.house()
    house:run("a", "init", "--listen", "127.0.0.1:0")
    house:write("a", "node.lua", [[return { listen = "127.0.0.1:0", path = function(hash) return "x/" .. hash end }]])
    local child = house:serve "a"
    house.folder:write("photo", "content")
    assert.equal(0, house:within("a", "put", "photo").status)
    child:kill "TERM"
    child:wait()
    assert.equal("content", house:run("a", "get", "photo", "--output", "-").out)
    shell("chmod g+w %s", house:root "a" .. "/node.lua")
    local result = house:run("a", "get", "photo", "--output", "-")
    assert.equal(1, result.status)
    assert.matches("node.lua is not run: .* can be written by other users: run chmod go%-w ", result.err)
  end)

  it("finds an identity elsewhere, and objects elsewhere than by default", function()
    local house <close> = commands.house()
    house:run("a", "init", "--listen", "127.0.0.1:0")
    shell("mv %s %s", house:root "a" .. "/identity", house.folder:file "key")
    house:write("a", "node.lua", ("return { listen = '127.0.0.1:0', identity = %q, path = { digest = 'md5', depth = 1 } }"):format(
      house.folder:file "key"))
    house:serve "a"
    house.folder:write("photo", "content")
    assert.equal(0, house:within("a", "put", "photo").status)
    assert.equal("photo\n", house:run("a", "ls").out)
    shell("cp -p %s %s", house.folder:file "key", house:root "a" .. "/identity")
    os.remove(house:root "a" .. "/node.lua")
    assert.equal("content", house:run("a", "get", "photo", "--output", "-").out)
  end)
end)

describe("filo serve", function()
  ---What it says of a root whose node.lua, or what is above it, was changed so.
  local function refused(change)
    local house <close> = with_trap()
    change(house)
    local result = house:run("a", "serve")
    assert.equal(1, result.status)
    assert.is_false(has_run(house))
    return result.err
  end

  it("refuses a node.lua that others can write", function()
    for _, mode in ipairs { "g+w", "o+w" } do
      local text = refused(function(house) shell("chmod " .. mode .. " %s", house:root "a" .. "/node.lua") end)
      assert.matches("^filo serve: (%S+/a/node.lua) is not run: somebody else decides what it does: "
        .. "%1 can be written by other users: run chmod go%-w %1\n$", text)
    end
  end)

  it("refuses one in a folder that others can write, or behind a link there", function()
    assert.matches("(%S+/a) can be written by other users: run chmod go%-w %1\n$", refused(function(house)
      shell("chmod o+w %s", house:root "a")
    end))
    assert.matches("(%S+/open) can be written by other users: run chmod go%-w %1\n$", refused(function(house)
      shell("mkdir -m 777 %s", house.folder:file "open")
      shell("mv %s %s", house:root "a" .. "/node.lua", house.folder:file "open/node.lua")
      shell("ln -s ../open/node.lua %s", house:root "a" .. "/node.lua")
    end))
  end)

  it("refuses one of another user, and says whose it is", function()
    local house <close> = with_trap()
    local result = run_on_foreign(house, "serve")
    assert.equal(1, result.status)
    assert.matches(is_root() and "node.lua is not run: .* belongs to the user nobody, and this runs as the user root: run it as nobody, or "
      .. "take that over with chown\n$" or "/a can be written by other users: run chmod go%-w ", result.err)
    assert.is_false(has_run(house))
  end)

  it("runs what is one's own in a folder where each may remove only what is his", function()
    local house <close> = with_trap()
    local sticky = house.folder:file "sticky"
    shell("mkdir %s && chmod 1777 %s", sticky, sticky)
    shell("mv %s %s", house:root "a", sticky)
    house:start("sticky/a", "serve"):expect "listens at"
    assert.is_true(has_run(house))
  end)

  it("runs as root of a namespace of users, where root outside has no number", function()
    local house <close> = with_trap()
    local child = process.start { program = "unshare", "-r", runtime.program(), "serve", "--root", house:root "a" }
    local _ <close> = child
    child:expect "listens at"
    assert.is_true(has_run(house))
  end)

  -- All who have no number there look like the owner of /: anybody's node.lua was run. (To give it to one of them takes root.)
  if is_root() then
    it("runs nobody else's in a namespace where he has no number either", function()
      local house <close> = with_trap()
      shell("chmod 1777 %s && chown -R 1234 %s && chmod -R a+rX %s", house.folder.path, house:root "a", house:root "a")
      local result = process.run {
        program = "setpriv", "--reuid=4321", "--clear-groups", "unshare", "-r", runtime.program(), "serve", "--root", house:root "a",
      }
      assert.equal(1, result.status)
      assert.matches("node.lua belongs to the user ", result.err)
      assert.is_false(has_run(house))
    end)
  end

  it("goes on as it is when node.lua has become another's", function()
    local house <close> = commands.house()
    house:run("a", "init", "--listen", "127.0.0.1:0")
    local child = house:serve "a"
    shell("chmod o+w %s", house:root "a" .. "/node.lua")
    child:kill "HUP"
    child:expect "node.lua is not taken over, the node goes on as it is: [^\n]+ can be written by other users"
  end)

  it("says what is missing where a node is, and no node.lua", function()
    local house <close> = commands.house()
    house:run("a", "init")
    os.remove(house:root "a" .. "/node.lua")
    local told = ("there is a node in %s, and no node.lua with its options: 'filo init', or 'filo join' and a token, makes one\n"):format(
      house:root "a")
    for name, status in pairs { serve = 1, invite = 1, status = 5 } do
      local result = house:run("a", name)
      assert.equal(status, result.status)
      assert.matches(told, result.err, 1, true)
    end
  end)
end)

describe("filo invite", function()
  it("asks the node that runs, and node.lua only where none does", function()
    local house <close> = with_trap()
    local child = house:start("a", "serve")
    local id, address = child:expect "node (%x+) listens at ([%d.:]+)"
    os.remove(house.folder:file "ran")
    local result = house:run("a", "invite")
    assert.equal(0, result.status, result.err)
    local token = require "filo.command.token"
    local first = assert(token.decode(result.out:match "%S+", os.time()))
    assert.same({ address, id }, { first.address, first.id })
    assert.is_false(has_run(house))
    child:kill "TERM"
    child:wait()
    local second = assert(token.decode(house:run("a", "invite", "--address", address).out:match "%S+", os.time()))
    assert.same({ first.id, first.secret }, { second.id, second.secret })
    assert.is_true(has_run(house))
  end)
end)
