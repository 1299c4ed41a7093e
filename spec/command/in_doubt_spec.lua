-- A node that does not know whether its old copies were deleted says so.

local cbor = require "filo.core.cbor"
local commands = require "spec.support.commands"
local crypto = require "filo.core.crypto"
local json = require "filo.dkjson"
local temp = require "spec.support.temp"

---Has a root know a horizon, that its node took no part in.
local function leave_behind(root)
  local keys = assert(assert(crypto.identity_load(root .. "/identity")):namespace())
  local now = os.time()
  local text = cbor.encode {
    namespace = keys:raw_id(), horizon = now * 1000000, node = ("n"):rep(32), members = ("m"):rep(8), time = now,
  }
  local given = { text = text, signature = assert(keys:sign("filo horizon v1\n" .. text)) }
  local horizon = { namespace = keys:raw_id(), given = given, pledge = 0, swept = 0 }
  assert(os.execute(("mkdir -p -m 700 %s"):format(temp.quote(root .. "/horizons"))))
  assert(crypto.write_private(root .. "/horizons/1", cbor.encode { version = 1, horizons = { horizon } }))
end

describe("a node in doubt", function()
  it("says so in `filo status` and `filo why`, and gives nothing of it", function()
    local house <close> = commands.house()
    local child = house:first "a"
    house:feed("content", "a", "put", "-", "-k", "k")
    child:kill "TERM"
    child:wait()
    os.execute "sleep 1" -- the horizon is in seconds
    leave_behind(house:root "a")
    house:serve "a"
    local told = house:run("a", "status").out
    assert.matches("\nin doubt  its own: .*objects? of before %d+%-%d%d%-%d%d .* may have been deleted while this node was away", told)
    assert.equal(1, #json.decode(house:run("a", "status", "--json").out).in_doubt)
    local why = house:run("a", "why", "k")
    assert.equal(3, why.status)
    assert.matches("the copy of 'k' here is from before deletions that were forgotten, and nobody who took part is there", why.err)
    assert.equal(3, house:run("a", "get", "k").status)
    house:feed("new", "a", "put", "-", "-k", "k")
    assert.equal("new", house:run("a", "get", "k", "-o", "-").out)
  end)
end)
