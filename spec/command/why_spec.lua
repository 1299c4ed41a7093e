---A peer's word that it had verified a copy at a time that no calendar knows ended `filo why` with a traceback.

local commands = require "spec.support.commands"
local filo = require "filo"
local inside = require "filo.base.inside"
local nodes = require "spec.support.nodes"
local temp = require "spec.support.temp"

---What `filo why` says of a copy that a peer has, and says that it verified at a time.
local function told_by(at)
  local house <close> = commands.house()
  house:run("a", "init", "--listen", "127.0.0.1:0")
  local _, address = house:serve "a"
  local secret = house:read("a", "cluster"):match "%S+"
  local liar <close> = assert(filo.node { root = house:root "liar", cluster = secret, log = function() end })
  assert(liar:connect(address))
  house:feed("content", "a", "put", "-", "-k", "k")
  local disk = inside.of(liar).disk
  local sealed = disk.sealed
  function disk:sealed(...)
    local fields, record, body = sealed(self, ...)
    return fields, record, body, at
  end
  return house:run("a", "why", "k")
end

describe("filo why", function()
  it("does not believe a time that cannot be", function()
    local result = told_by(math.maxinteger)
    assert.same({ 4, "" }, { result.status, result.err })
    assert.matches("field 'verified'", result.out)
    result = told_by(os.time { year = 2100, month = 1, day = 1 })
    assert.matches("  peer       not verified: it claims to have been on 2100%-01%-01 12:00:00, which is to come\n", result.out)
  end)

  it("does not call good what was not hashed since it was changed", function()
    local house <close> = commands.house()
    house:run("a", "init", "--listen", "127.0.0.1:0")
    house:serve "a"
    house:feed(("content"):rep(1000), "a", "put", "-", "-k", "k")
    local me = "\n  %x+  this node  [^\n]*"
    assert.matches(me .. "good, verified 20%d%d%-", house:run("a", "why", "k").out)
    local pipe <close> = io.popen(("find %s -type f"):format(temp.quote(house:root "a" .. "/objects")))
    local path = pipe:read "l"
    nodes.flip(path, 500)
    assert(os.execute("touch -d 2030-01-01 " .. temp.quote(path)))
    assert.matches(me .. "not verified: `filo verify` at that node hashes it\n", house:run("a", "why", "k").out)
    assert.equal(1, house:run("a", "verify", "k").status)
  end)
end)
