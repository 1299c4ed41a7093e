local commands = require "spec.support.commands"
local free_address = require "spec.support.free_address"
local token = require "filo.command.token"

local function exists(path)
  local file <close> = io.open(path)
  return file ~= nil
end

describe("filo invite", function()
  it("prints a token with the address that is given, the node's ID and the secret", function()
    local house <close> = commands.house()
    local id = house:run("a", "init").out:match "^node (%x+)"
    local now = os.time()
    local result = house:run("a", "invite", "--address", "nas.example:7171", "--expires", "30m")
    assert.equal("", result.err)
    assert.equal(0, result.status)
    local read = assert(token.decode(result.out, now))
    assert.equal("nas.example:7171", read.address)
    assert.equal(id, read.id)
    assert.equal(house:read("a", "cluster"), read.secret .. "\n")
    assert.is_true(read.expires >= now + 1800 and read.expires <= os.time() + 1800)
  end)

  it("takes the address from node.lua when others can reach it", function()
    local house <close> = commands.house()
    house:run("a", "init", "--listen", "192.168.1.10:7171")
    local result = house:run("a", "invite")
    assert.equal("", result.err)
    local read = assert(token.decode(result.out, os.time()))
    assert.equal("192.168.1.10:7171", read.address)
    assert.is_true(read.expires > os.time() + 86000 and read.expires <= os.time() + 86400)
  end)

  it("says so when only this machine can", function()
    local house <close> = commands.house()
    house:run("a", "init", "--listen", "localhost:7171")
    local result = house:run("a", "invite")
    assert.equal(0, result.status)
    assert.equal("filo invite: localhost:7171 is reached from this machine only\n", result.err)
  end)

  it("asks for the address when it cannot be known", function()
    for listen, told in pairs { ["0.0.0.0:7171"] = "only '0.0.0.0:7171'", ["[::]:7171"] = "only '%[::%]:7171'", [":7171"] = "only ':7171'",
      ["192.168.1.10:0"] = "only '192.168.1.10:0'" } do
      local house <close> = commands.house()
      house:run("a", "init", "--listen", listen)
      local result = house:run("a", "invite")
      assert.equal(2, result.status)
      assert.equal("", result.out)
      assert.matches("^filo invite: give %-%-address HOST:PORT, where others reach this node; node.lua says " .. told, result.err)
    end
  end)

  it("wants a time and an address that make sense", function()
    local house <close> = commands.house()
    house:run("a", "init")
    for _, wrong in ipairs { "24", "h", "0h", "-1h", "1w", "99999999999999999999d" } do
      local result = house:run("a", "invite", "--expires=" .. wrong)
      assert.equal(2, result.status)
      assert.matches("--expires takes a time from 1m to 99999d, such as 30m, 24h or 7d, not '" .. wrong, result.err, 1, true)
    end
    assert.equal(2, house:run("a", "invite", "--address", "nas").status)
  end)
end)

describe("filo join", function()
  it("makes a node that is connected to the one that invited it when both serve", function()
    local house <close> = commands.house()
    local first, text, id, address = house:first "a"
    local result = house:feed(text:match "%S+", "b", "join", "-", "--listen", "127.0.0.1:0")
    assert.equal("", result.err)
    assert.equal(0, result.status)
    assert.matches(("The node that invited it is there: peer %s at %s."):format(id:sub(1, 16), address), result.out, 1, true)
    assert.equal(house:read("a", "cluster"), house:read("b", "cluster"))
    local options = assert(loadfile(house:root "b" .. "/node.lua"))()
    assert.same({ { address = address, id = id } }, options.bootstrap)
    local second = house:serve "b"
    second:expect("peer " .. id:sub(1, 16) .. " at " .. address .. " is connected")
    first:expect("peer " .. result.out:match("^node (%x+)"):sub(1, 16) .. " at [%d.:]+ is connected")
  end)

  it("reads the token from standard input", function()
    local house <close> = commands.house()
    local _, text = house:first "a"
    local result = house:feed(text, "b", "join", "-")
    assert.equal("", result.err)
    assert.equal(0, result.status)
    result = house:feed("", "c", "join", "-")
    assert.equal(1, result.status)
    assert.matches("this is no token", result.err)
  end)

  it("reads it from a file, and takes none on the command line, where others see it", function()
    local house <close> = commands.house()
    local _, text = house:first "a"
    local result = house:run("b", "join", text:match "%S+")
    assert.equal(2, result.status)
    assert.matches("^filo join: others on this machine see what stands on a command line", result.err)
    assert.is_nil(result.err:find(text:match "%S+", 1, true))
    assert.is_false(exists(house:root "b"))
    assert.matches("cannot read the token: none: No such file", house:run("b", "join", "none").err)
    assert.equal(0, house:run("b", "join", house.folder:write("token", text)).status)
  end)

  it("makes nothing with a token that is wrong or has expired", function()
    local house <close> = commands.house()
    house:run("a", "init")
    local text = house:run("a", "invite", "--address", "127.0.0.1:1").out:match "%S+"
    local invitation = token.decode(text, os.time())
    invitation.expires = os.time() - 1
    for problem, wrong in pairs {
      ["this is no token"] = "hello", ["mistyped or cut"] = text:sub(1, -3), ["the token expired at"] = token.encode(invitation),
    } do
      local result = house:feed(wrong, "b", "join", "-")
      assert.equal(1, result.status)
      assert.matches("^filo join: .*" .. problem, result.err)
      assert.is_false(exists(house:root "b"))
    end
  end)

  it("says when nobody is there, and succeeds later", function()
    local house <close> = commands.house()
    local address = free_address()
    house:run("a", "init", "--listen", address)
    local text = house:run("a", "invite").out:match "%S+"
    local result = house:feed(text, "b", "join", "-")
    assert.equal(1, result.status)
    assert.matches("^filo join: cannot connect to " .. address:gsub("%p", "%%%0") .. ": .*refused", result.err)
    local root = house:root "b"
    assert.matches(("\nNothing was joined. What was made in %s, with the identity there, stays: the same command goes on "):format(root),
      result.err, 1, true)
    assert.is_true(exists(root .. "/identity"))
    assert.is_false(exists(root .. "/node.lua"))
    house:serve "a"
    assert.equal(0, house:feed(text, "b", "join", "-").status)
  end)

  it("says when another node is there than the token says, or one with another secret", function()
    local house <close> = commands.house()
    local _, text = house:first "a"
    local invitation = token.decode(text, os.time())
    local id = invitation.id
    invitation.id = ("ab"):rep(32)
    local result = house:feed(token.encode(invitation), "b", "join", "-")
    assert.equal(1, result.status)
    assert.matches(("the node there is %s, not %s"):format(id, invitation.id), result.err, 1, true)
    invitation.id, invitation.secret = id, "another secret"
    result = house:feed(token.encode(invitation), "b", "join", "-")
    assert.equal(1, result.status)
    assert.matches("is it listed there, and the cluster secret the same?", result.err, 1, true)
    assert.is_false(exists(house:root "b/node.lua"))
  end)

  it("leaves a node that is there as it is", function()
    local house <close> = commands.house()
    local _, text = house:first "a"
    house:run("b", "init")
    local secret = house:read("b", "cluster")
    local result = house:feed(text:match "%S+", "b", "join", "-")
    assert.equal(1, result.status)
    assert.matches("there is a node in .* already", result.err)
    os.remove(house:root "b/node.lua")
    result = house:feed(text:match "%S+", "b", "join", "-")
    assert.equal(1, result.status)
    assert.matches("holds the secret of another cluster", result.err)
    assert.equal(secret, house:read("b", "cluster"))
  end)

  it("advises no second try while another node runs with the identity", function()
    local house <close> = commands.house()
    house.module = "spec.support.patient"
    local first, text = house:first "a"
    house.module = nil
    house:feed(text:match "%S+", "b", "join", "-", "--listen", "127.0.0.1:0")
    house:serve "b"
    first:expect "is connected"
    assert(os.execute(("mkdir -m 700 '%s' && cp -p '%s/identity' '%s'"):format(house:root "c", house:root "b", house:root "c")))
    local result = house:feed(text:match "%S+", "c", "join", "-")
    assert.equal(1, result.status)
    assert.matches("runs with the same identity", result.err)
    assert.matches(" stays. Stop the node that runs with that identity first, or join as another node, with another --root.\n",
      result.err, 1, true)
    assert.is_nil(result.err:find("the same command", 1, true))
  end)
end)
