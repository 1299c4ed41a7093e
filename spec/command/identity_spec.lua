---What brings a lost node back: its identity, or 24 words.

local commands = require "spec.support.commands"
local crypto = require "filo.core.crypto"
local json = require "filo.dkjson"
local lfs = require "lfs"
local new_terminal = require "spec.support.terminal"
local refused = require "spec.support.refused"
local words = require "filo.command.words"

local function raw(digits) return crypto.unhex(digits) end

describe("the words of an identity", function()
  -- https://github.com/trezor/python-mnemonic/blob/master/vectors.json, those of 256 bits
  local vectors = {
    [("00"):rep(32)] = ("abandon "):rep(23) .. "art",
    [("7f"):rep(32)] = ("legal winner thank year wave sausage worth useful "):rep(2)
      .. "legal winner thank year wave sausage worth title",
    [("80"):rep(32)] = ("letter advice cage absurd amount doctor acoustic avoid "):rep(2)
      .. "letter advice cage absurd amount doctor acoustic bless",
    [("ff"):rep(32)] = ("zoo "):rep(23) .. "vote",
    ["68a79eaca2324873eacc50cb9c6eca8cc68ea5d936f98787c60c7ebc74e6ce7c"] = "hamster diagram private dutch cause delay private meat slide "
      .. "toddler razor book happy fancy gospel tennis maple dilemma loan word shrug inflict delay length",
  }

  it("are those of BIP 39", function()
    for seed, text in pairs(vectors) do
      assert.equal(text, table.concat(words.of(raw(seed)), " "))
      assert.equal(raw(seed), words.seed(text))
    end
  end)

  it("give the seed back, whatever space and case they are typed with", function()
    for _ = 1, 50 do
      local seed = crypto.random(32)
      local text = table.concat(words.of(seed), " ")
      assert.equal(seed, words.seed(text))
      assert.equal(seed, words.seed(" " .. text:upper():gsub(" ", "\n  ") .. "\n"))
    end
  end)

  it("are refused when one is none, or missing, or another, or they have changed places", function()
    local seed = raw "68a79eaca2324873eacc50cb9c6eca8cc68ea5d936f98787c60c7ebc74e6ce7c"
    local list = words.of(seed)
    local function with(changes)
      local changed = table.move(list, 1, #list, 1, {})
      for i, word in pairs(changes) do changed[i] = word end
      return words.seed(table.concat(changed, " "))
    end
    assert.matches("word 3, 'privat', is none that can be there: is it 'private'?", refused("invalid", with { [3] = "privat" }), 1, true)
    assert.matches("word 24, '12345678', is none that can be there$", refused("invalid", with { [24] = "12345678" }))
    assert.matches("there must be 24 words, and here are 25", refused("invalid", with { [25] = "abandon" }))
    assert.matches("there must be 24 words, and here are 1", refused("invalid", words.seed "abandon"))
    assert.matches("there must be 24 words, and here are 0", refused("invalid", words.seed ""))
    local noticed = 0
    for i = 1, 23 do
      local exchanged, err = with { [i] = list[i + 1], [i + 1] = list[i] }
      if not exchanged then
        noticed = noticed + 1
        assert.matches("two have changed places", tostring(err))
      end
    end
    assert.is_true(noticed >= 21, noticed .. " of 23") -- a byte tells, 255 times of 256
  end)
end)

describe("filo identity", function()
  it("tells who the node is and where its file lies, and shows words on a terminal only", function()
    local house <close> = commands.house()
    house:run("a", "init")
    local told = json.decode(house:run("a", "identity", "--json").out, 1, nil, nil)
    local identity <close> = assert(crypto.identity_load(told.file))
    assert.same({ identity:id(), identity:namespace():id() }, { told.id, told.namespace })
    local text = ("node      %s\nnamespace %s\nfile      %s\n"):format(told.id, told.namespace, told.file)
    assert.equal(text, house:run("a", "identity").out)
    local result = house:run("a", "identity", "--words")
    assert.same({ 2, "" }, { result.status, result.out })
    assert.matches("on a terminal only", result.err)
    local list = words.of(identity:seed())
    local terminal <close> = new_terminal { "identity", "--words", "--root", house:root "a", rows = 40 }
    terminal:expect_somewhere "'filo recover --words' takes them."
    assert.equal(0, terminal:wait())
    for i, word in ipairs(list) do assert.matches(("%2d %s%%f[%%s]"):format(i, word), terminal:text() .. "\n") end
  end)
end)

describe("filo recover", function()
  ---A node with an object at a peer, which is lost. Gives the house, the words, and what the object was.
  local function lost(house)
    local _, token = house:first "peer"
    house:feed(token, "a", "join", "-", "--listen", "127.0.0.1:0")
    local child, _, id = house:serve "a"
    child:expect "is connected"
    house:feed("content", "a", "put", "-", "-k", "key")
    assert.equal(0, house:run("a", "stop").status)
    child:wait()
    house.folder:write("token", token)
    house.folder:write("kept", house:read("a", "identity"))
    assert(os.execute("chmod 600 " .. house.folder:file "kept"))
    local identity <close> = assert(crypto.identity_load(house.folder:file "kept"))
    return id, table.concat(words.of(identity:seed()), " ")
  end

  it("brings back what a lost node had stored, by its identity or its words", function()
    local house <close> = commands.house()
    local id, text = lost(house)
    for name, result in pairs {
      by_file = house:within("by_file", "recover", "token", "--identity", "kept", "--listen", "127.0.0.1:0"),
      by_words = house:feed(text .. "\n", "by_words", "recover", house.folder:file "token", "--words", "--listen", "127.0.0.1:0"),
    } do
      assert.equal("", result.err)
      assert.matches("^node " .. id .. "\n", result.out)
      assert.equal("rw-------", lfs.attributes(house:root(name) .. "/identity", "permissions"))
      local child = house:serve(name)
      child:expect "is connected"
      assert.equal("content", house:run(name, "get", "key", "-o", "-").out)
      assert.equal(0, house:run(name, "stop").status)
      child:wait()
    end
  end)

  it("takes a token for another machine: of the lost node's own namespace, or of one that it was given", function()
    local house <close> = commands.house()
    local id = lost(house)
    local name = house:run("peer", "identity", "--json").out
    house.folder:write("device", house:run("peer", "invite", "--device").out)
    local other = house:within("b", "recover", "device", "--identity", "kept", "--listen", "127.0.0.1:0")
    assert.same({ 0, "" }, { other.status, other.err })
    assert.matches("reads and writes what is stored at the node that invited it", other.out)
    assert.matches("^main +" .. json.decode(name).namespace, house:run("b", "namespaces").out)

    local kept <close> = assert(crypto.identity_load(house.folder:file "kept"))
    local token = require "filo.command.token"
    local given = assert(token.decode(house.folder:read "device", os.time()))
    given.capability = kept:namespace():grant("write", 0)
    house.folder:write("own", token.encode(given))
    local own = house:within("c", "recover", "own", "--identity", "kept", "--listen", "127.0.0.1:0")
    assert.same({ 0, "" }, { own.status, own.err })
    assert.matches("^node " .. id, own.out)
    assert.matches("the node that was lost", own.out)
    assert.matches("^own +" .. kept:namespace():id() .. "  reads and writes\n$", house:run("c", "namespaces").out)
  end)

  it("makes nothing of what is wrong", function()
    local house <close> = commands.house()
    local _, text = lost(house)
    local token = house.folder:file "token"
    local function fails(status, pattern, result)
      assert.equal(status, result.status)
      assert.matches(pattern, result.err)
      assert.is_nil(lfs.attributes(house:root "b"))
    end
    fails(2, "say what there is", house:run("b", "recover", token))
    fails(2, "leave one out", house:run("b", "recover", token, "--words", "--identity", token))
    fails(2, "give the token as a file", house:feed(text, "b", "recover", "-", "--words"))
    fails(1, "there must be 24 words", house:feed("abandon", "b", "recover", token, "--words"))
    local none = house.folder:write("none", "text of somebody's")
    assert(os.execute("chmod 644 " .. none))
    fails(1, "is no identity", house:run("b", "recover", token, "--identity", none))
    fails(1, "this is no token", house:run("b", "recover", none, "--identity", house.folder:file "kept"))
    assert(os.execute("chmod 644 " .. house.folder:file "kept"))
    fails(1, "others may read the identity .*: run chmod 600", house:run("b", "recover", token, "--identity", house.folder:file "kept"))
    assert(os.execute("chmod 600 " .. house.folder:file "kept"))
    local there = house:run("a", "recover", token, "--identity", house.folder:file "kept")
    assert.equal(1, there.status)
    assert.matches("there is a node in .* already", there.err)
  end)
end)
