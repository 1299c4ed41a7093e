local cli = require "filo.command.cli"
local commands = require "spec.support.commands"
local json = require "filo.dkjson"
local mortal = require "spec.support.mortal"
local process = require "spec.support.process"

---What a command printed, which is one object on each line.
local function read(result)
  local list = {}
  for line in result.out:gmatch "([^\n]+)\n" do list[#list + 1] = assert(json.decode(line, 1, nil, nil)) end
  return list
end

describe("--json", function()
  it("is an option of every command that has more to say than a text", function()
    local texts = { serve = true, help = true, completions = true }
    for _, name in ipairs(cli.NAMES) do
      local help = process.run({ name, "--help" }).out
      assert.equal(not texts[name], help:find("--json", 1, true) ~= nil, name)
    end
  end)

  it("gives what each command did, and the receipts of what failed", function()
    local house <close> = commands.house()
    local made = read(house:run("a", "init", "--listen", "127.0.0.1:0", "--json"))[1]
    local _, address, id = house:serve "a"
    assert.same({ id = id, root = house:root "a" }, made)
    local invitation = read(house:run("a", "invite", "--address", address, "--json"))[1]
    assert.same({ id, address }, { invitation.id, invitation.address })
    local joined = read(house:feed(invitation.token, "b", "join", "-", "--listen", "127.0.0.1:0", "--json"))[1]
    assert.same({ id, address, house:root "b" }, { joined.peer, joined.address, joined.root })

    house:feed("12", "a", "put", "-", "-k", "k", "-q")
    local file = house.folder:file "out"
    assert.same({ { key = "k", path = file, size = 2 } }, read(house:run("a", "get", "k", "-o", file, "--json")))
    assert.same({ { key = "k" } }, read(house:run("a", "verify", "--json")))
    assert.same({ { later = {} } }, read(house:run("a", "reload", "--json")))
    house:write("a", "node.lua", 'return { listen = "127.0.0.1:0", policy = require("filo").policy.copies(3) }')
    house:run("a", "reload")
    local failed = read(house:feed("12", "a", "put", "-", "-k", "k", "--json"))[1]
    assert.same({ "k", "not_enough_copies", "k" }, { failed.key, failed.error.code, failed.receipt.key })
    assert.same({ id }, failed.receipt.copies)
    for _, command in ipairs { { "stat" }, { "rm" }, { "verify" }, { "why" }, { "get" }, { "get", "-r" } } do
      table.insert(command, "--json")
      table.insert(command, "zz")
      local result = house:run("a", table.unpack(command))
      local failure = read(result)[1]
      assert.same({ 3, "zz", "not_found" }, { result.status, failure.key, failure.error.code })
    end
    local gone = read(house:run("a", "rm", "k", "--json"))[1]
    assert.same({ "k", { id } }, { gone.key, gone.copies })
    assert.same({ { root = house:root "a" } }, read(house:run("a", "stop", "--json")))
  end)

  -- Whatever failed while it was looked for had neither key nor path, and what could not be opened was "io" where a folder was "denied".
  it("names what failed by its key and its path, and says why in the same words of files and folders", function()
    local house <close> = commands.house()
    house:run("a", "init", "--listen", "127.0.0.1:0")
    house:serve "a"
    assert(os.execute(("cd '%s' && mkdir -p d/closed && touch list d/file k && mkfifo d/pipe && chmod 000 list d/file d/closed"):format(
      house.folder.path)))
    local function failures(...)
      local result = process.run(mortal { cwd = house.folder.path, env = { FILO_ROOT = house:root "a" }, ... })
      local list = {}
      for _, each in ipairs(read(result)) do
        if each.error then list[#list + 1] = { each.key, each.path, each.error.code } end
      end
      table.sort(list, function(a, b) return tostring(a[1]) < tostring(b[1]) end)
      return list
    end
    assert.same({
      { "d/closed/", "d/closed", "denied" }, { "d/file", "d/file", "denied" },
      { "d/pipe", "d/pipe", "invalid" }, { "none", "./none", "not_found" },
    }, failures("put", "-r", "d", "./none", "--json"))
    assert.same({ nil, nil, "denied" }, failures("put", "--files-from", "list", "--json")[1])
    house:feed("12", "a", "put", "-", "-k", "k", "-q")
    house:feed("12", "a", "put", "-", "-k", "k/x", "-q")
    assert.same({ { "../up", nil, "usage" }, { "k", "./k", "exists" }, { "k/x", "./k/x", "exists" } },
      failures("get", "k", "k/x", "../up", "--json"))
    assert.same({ { "k", "k", "exists" } }, failures("get", "k", "-o", "k", "--json"))
    for _, command in ipairs { "rm", "verify", "why" } do
      assert.same({ { "x", nil, "not_found" }, { "y", nil, "not_found" } }, failures(command, "x", "y", "--json"))
    end
    local pipe <close> = io.popen(("find %s -name '*.filo' -o -type f -size -9 | grep objects | head -1"):format(house:root "a"))
    local path = pipe:read "l"
    local object <close> = assert(io.open(path, "wb"))
    object:write "no object"
    object:close()
    assert.same({ nil, path, "corrupt" }, failures("ls", "--json")[1])
    local failed = failures("verify", "--json")[1] -- of which the name is known
    assert.same({ "string", nil, "corrupt" }, { type(failed[1]), failed[2], failed[3] })
  end)

  it("gives what a simulation came to", function()
    local result = read(process.run { "sim", "--nodes", "3", "--hours", "1", "--seed", "7", "--faults", "none", "--json" })[1]
    assert.same({ 7, 3, {}, 0 }, { result.seed, result.nodes, result.violations, result.faults })
  end)

  it("has an empty about and empty fields as objects, and the bytes of a key", function()
    local house <close> = commands.house()
    local child, token = house:first "a"
    house:feed(token, "b", "join", "-", "--listen", "127.0.0.1:0")
    house:write("b", "node.lua", house:read("b", "node.lua"):gsub("about = %b{}", "about = {}"))
    house:serve "b"
    child:expect "is connected"
    assert.matches('"about":{}', house:run("a", "peers", "--json").out, 1, true)
    house:feed("12", "a", "put", "-", "-k", "k\xff", "-q")
    local item = read(house:run("a", "ls", "--json"))[1]
    assert.same({ "k\u{FFFD}", "6bff" }, { item.key, item.key_hex })
    assert.equal("12", house:run("a", "get", "k\xff", "-o", "-").out)
  end)
end)
