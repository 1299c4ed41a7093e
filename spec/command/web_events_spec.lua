---What `filo serve` tells over HTTP of what happens.

local at_end = require "filo.host.at_end"
local commands = require "spec.support.commands"
local crypto = require "filo.core.crypto"
local events_of = require "filo.command.web.events"
local filo = require "filo"
local http = require "spec.support.http"

---A root whose node serves HTTP; gives where.
local function served(house)
  house:run("a", "init", "--listen", "127.0.0.1:0")
  house:write("a", "node.lua", 'return { listen = "127.0.0.1:0", http = "127.0.0.1:0" }')
  return house:serve("a"):expect "tells of itself at http://([%d.:]+)/"
end

---Listens with a key; gives the client, which has had the head.
local function listen(house, address, ...)
  local pair = house:run("a", "http-key", ...).out:match "^(%S+)\n$"
  local client = http.dial(address)
  client:send(("GET /events HTTP/1.1\r\nHost: filo\r\nAuthorization: Basic %s\r\n\r\n"):format(crypto.base64(pair)))
  assert.matches("^HTTP/1.1 200 ", client:up_to "it begins\n\n")
  return client
end

describe("events over HTTP", function()
  it("come as they happen", function()
    local house <close> = commands.house()
    local client <close> = listen(house, served(house))
    assert.equal(0, house:feed("content", "a", "put", "--key", "photos/a", "-").status)
    assert.matches("event: stored\ndata: {.*$", client:up_to '"key":"photos/a"')
    assert.equal(0, house:run("a", "rm", "photos/a").status)
    assert.matches("event: deleted\ndata: {.*$", client:up_to '"key":"photos/a"')
  end)

  it("are told to those keys that open what they are of", function()
    local house <close> = commands.house()
    local client <close> = listen(house, served(house), "films/")
    assert.equal(0, house:feed("content", "a", "put", "--key", "photos/a", "-").status)
    assert.equal(0, house:feed("content", "a", "put", "--key", "films/b", "-").status)
    local text = client:up_to '"key":"films/b"'
    assert.is_nil(text:find("photos", 1, true))
  end)

  it("end once the key is revoked, or the session is over", function()
    local hooks, key, time, now = {}, { access = "read", prefix = "" }, 0, filo.now
    filo.now = function() return time end
    local _ <close> = at_end(function() filo.now = now end)
    local listen_to = events_of({ on = function(_, name, fn) hooks[name] = fn end }, { key = function() return key end })
    local give = listen_to({ headers = {} }).body
    local function tell() hooks.member_back { id = "a", name = "attic" } end
    assert.equal(": it begins\n\n", give())
    key, time = nil, 14
    tell()
    assert.matches("^event: member_back\n", give())
    time = 15
    tell()
    assert.is_nil(give())
  end)

  it("are for who has a key", function()
    local house <close> = commands.house()
    assert.equal(401, http.ask(served(house), "GET", "/events").status)
  end)
end)
