---Capabilities as keys to objects over HTTP.

local commands = require "spec.support.commands"
local http = require "spec.support.http"

describe("a capability", function()
  local house, address

  setup(function()
    house = commands.house()
    house:run("a", "init", "--listen", "127.0.0.1:0")
    house:write("a", "node.lua", 'return { listen = "127.0.0.1:0", http = { address = "127.0.0.1:0", objects = true } }')
    address = house:serve("a"):expect "serves objects at http://([%d.:]+)/o/"
    for _, name in ipairs { "photos/a", "photos/b" } do
      assert.equal(0, house:feed("content of " .. name, "a", "put", "--key", name, "-").status)
    end
  end)

  teardown(function() house:close() end)

  local function share(...)
    local made = house:run("a", "share", ...)
    assert.equal(0, made.status, made.err)
    return made.out:match "(filo%S+)\n$"
  end

  local function ask(capability, method, name, body)
    return http.ask(address, method, "/o/" .. name, { body = body, headers = { Authorization = "Bearer " .. capability } })
  end

  it("of one object opens that one, and nothing else", function()
    local capability = share "photos/a"
    assert.equal("content of photos/a", ask(capability, "GET", "photos/a").body)
    assert.equal(200, ask(capability, "HEAD", "photos/a").status)
    for _, name in ipairs { "photos/b", "photos/", "", "photos/ab", "none" } do
      assert.equal(401, ask(capability, "GET", name).status, name)
    end
    assert.equal(403, ask(capability, "PUT", "photos/a", "other").status)
    assert.equal(403, ask(capability, "DELETE", "photos/a").status)
  end)

  it("of all objects opens them for reading, or for writing", function()
    local reads, writes = share "--all", share("--all", "--write")
    assert.equal("content of photos/b", ask(reads, "GET", "photos/b").body)
    assert.equal(200, ask(reads, "GET", "photos/").status)
    assert.equal(403, ask(reads, "PUT", "photos/c", "c").status)
    assert.equal(201, ask(writes, "PUT", "photos/c", "c").status)
    assert.equal(204, ask(writes, "DELETE", "photos/c").status)
  end)

  it("that is none, or an old one, opens nothing", function()
    local capability = share "photos/a"
    assert.equal(401, ask(capability:sub(1, -2), "GET", "photos/a").status)
    assert.equal(401, ask("x", "GET", "photos/a").status)
    assert.equal(0, house:run("a", "rotate").status)
    assert.equal(401, ask(capability, "GET", "photos/a").status)
    assert.equal(200, ask(share "photos/a", "GET", "photos/a").status)
  end)
end)
