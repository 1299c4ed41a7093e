-- A peer could fill the reserve with deletions, of up to 64 KiB each, of objects that were not here. Small objects leave the reserve free.

local forge = require "spec.support.forge"
local nodes = require "spec.support.nodes"
local small_disk = require "spec.support.disk"
local strangers = require "spec.support.stranger"
local temp = require "spec.support.temp"

local RESERVE, BLOCKS = 4 << 20, 64 << 10 -- what is asked for is rounded up to blocks, and folders come on top
local TOMBSTONE = 1

local function free(path)
  local pipe <close> = assert(io.popen(("stat -f -c '%%a %%S' %s"):format(temp.quote(path))))
  return pipe:read "n" * pipe:read "n"
end

---Stores small objects, or tombstones, until one is refused. Gives how many were taken, and the code.
local function store_until_refused(stranger, first, fields)
  for i = first, first + 10000 do
    fields.key_hash = ("%032d"):format(i)
    local forged = forge(stranger.identity, fields)
    local body, err = stranger:ask("store", { record = forged.record, body = forged.hashes .. forged.content })
    if not body then return i - first, err.code end
  end
  error "nothing was refused"
end

describe("the reserve", function()
  it("is kept from small objects of a peer, and from deletions of what is not here", function()
    local disk <close> = small_disk.mount(12 << 20) or pending(small_disk.WHY_NOT)
    local net <close> = nodes.net()
    local a = net:start("a", { root = disk:file "a", reserve = RESERVE })
    local stranger <close> = strangers.meet(a)
    local kept, code = store_until_refused(stranger, 1, { content = nodes.bytes(60000) })
    assert.equal("no_space", code)
    assert.is_true(kept > 50, kept)
    assert.equal("no_space", select(2, store_until_refused(stranger, 20000, { content = "x" })))
    assert.is_true(free(disk.path) >= RESERVE - BLOCKS)
    local deletion = { flags = TOMBSTONE, version = 6, sealed = ("m"):rep(65000) }
    local taken
    taken, code = store_until_refused(stranger, 40000, deletion)
    assert.same({ 0, "no_space" }, { taken, code })
    assert.same({ 0, "no_space" }, { store_until_refused(stranger, 1, deletion) }) -- what it would replace is smaller
    assert.is_true(free(disk.path) >= RESERVE - BLOCKS)
    local forged = forge(stranger.identity, { key_hash = ("%032d"):format(1), content = nodes.bytes(60000) })
    assert.equal(forged.record, assert(stranger:find(forged)).record)
    deletion.sealed, deletion.key_hash = nil, forged.key_hash
    local small = forge(stranger.identity, deletion)
    assert(stranger:ask("store", { record = small.record, body = "" }))
    assert.equal(small.record, assert(stranger:find(forged)).record)
    net:stop "a"
  end)
end)
