---What stands for an object's content, as who stores it says.

local cbor = require "filo.core.cbor"
local independent = require "spec.support.independent"
local nodes = require "spec.support.nodes"
local raises = require "spec.support.raises"
local simulated = require "spec.support.simulated"

---What all calls that tell of an object say; nil where they differ.
local function told(node, key)
  local object <close> = assert(node:get(key))
  local listed, known = node:list(key)(), node:keys(key)()
  local first = node:stat(key).etag
  for _, other in ipairs { object.etag or "", listed.etag or "", known.etag or "" } do
    assert.equal(first or "", other)
  end
  return first
end

local FIRST, SECOND = "9a0364b9e99bb480dd25e1f0284c8555", "d41d8cd98f00b204e9800998ecf8427e-2"

describe("an object's etag", function()
  it("is given with it, and told by all that tells of it", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    local stored = nodes.events(a, "stored")
    assert(a:store("key", "content", { etag = FIRST }))
    assert.same({ FIRST, FIRST }, { told(a, "key"), (stored().etag) })
    assert(a:store("key", "content", { etag = "!" .. ("~"):rep(63) }))
    assert.equal("!" .. ("~"):rep(63), told(a, "key"))
    assert(a:store("other", "content"))
    assert.is_nil(told(a, "other"))
    a = net:restart "a"
    assert.equal("!" .. ("~"):rep(63), told(a, "key"))
  end)

  it("is sealed with it as the format says", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    assert(a:store("key", "content", { etag = FIRST }))
    local namespace = independent.read_identity(net.folder:read "a/identity").namespace
    local place = independent.place(namespace.id, independent.key_hash(namespace, "key"))
    local meta = cbor.decode(independent.open(namespace, net.folder:read("a/" .. place)).meta)
    assert.same({ "key", FIRST }, { meta.name, meta.etag })
  end)

  it("goes with the content: another has none until one is given", function()
    local net <close> = nodes.net()
    local a = net:start("a", { trash = { deletes = true } })
    assert(a:store("key", "content", { etag = FIRST, fields = { n = 1 } }))
    assert(a:amend("key", { fields = { n = 2 } }))
    assert.equal(FIRST, told(a, "key"))
    assert(a:rotate())
    assert.equal(FIRST, told(a, "key"))
    assert(a:delete "key")
    assert(a:undelete "key")
    assert.equal(FIRST, told(a, "key"))
    assert(a:store("key", "another"))
    assert.is_nil(told(a, "key"))
  end)

  it("has 1 to 64 visible characters of ASCII without a quotation mark", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    for _, wrong in ipairs { "", "a b", '"a"', "\r\n", "\0", "\x7f", "\xc3\xa4", ("x"):rep(65) } do
      raises("etag_spec.lua:%d+: store: option 'etag' must have 1 to 64 visible ASCII characters", function()
        a:store("key", "x", { etag = wrong })
      end)
    end
    raises("option 'etag' must be a string", function() a:store("key", "x", { etag = 1 }) end)
    assert.is_nil(a:stat "key")
  end)

  it("is told of what lies at peers only, and of what lay there", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    assert(a:store("key", "content", { etag = FIRST, to = b.id }))
    assert(a:evict "key")
    for _, item in ipairs { a:stat "key", a:list "key" (), a:keys "key" () } do
      assert.same({ FIRST, "key" }, { item.etag, item.key })
    end
    net:stop "b"
    nodes.wait(function() return #a:peers() == 0 end, "end of the connection")
    assert.same({ "listed", FIRST }, { a:stat("key").from, a:stat("key").etag })
  end)

  it("is the same on simulated machines", simulated(function(net)
    local a, b = net:cluster(2)
    assert(a:store("key", "content", { etag = SECOND, to = b.id }))
    assert.equal(SECOND, told(a, "key"))
    assert(a:evict "key")
    assert.same({ SECOND, false }, { a:keys "key"().etag, a:keys "key"().here })
  end))
end)
