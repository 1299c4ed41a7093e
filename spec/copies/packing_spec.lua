---Deletions are kept for good: those that have lain there for a day as rows of a database, and not as files.

local inside = require "filo.base.inside"
local lfs = require "lfs"
local limits = require "spec.support.limits"
local nodes = require "spec.support.nodes"
local packed = require "spec.support.packed"

local COUNT = 30

---Nodes on which all that was stored is deleted, and packed; the last of them was away.
local function make(net, count, is_away)
  local _ <close> = packed.at_once()
  local list = { net:cluster(count) }
  for i = 1, COUNT do assert(list[1]:store("key " .. i, "content " .. i)) end
  local away = is_away and table.remove(list)
  if away then
    net:stop "c"
    nodes.peers(list[1], 1)
  end
  for i = 1, COUNT do assert(list[1]:delete("key " .. i)) end
  packed.wait(table.unpack(list))
  return table.unpack(list)
end

---Waits until a node has a deletion of each key of another's.
local function wait_deleted(owner, node)
  nodes.wait(function()
    for i = 1, COUNT do
      local fields = inside.of(node).disk:stat(inside.of(owner).namespace, owner:path_of(owner:key_hash("key " .. i)))
      if not (fields and fields.tombstone) then return false end
    end
    return true
  end, "deletions")
end

describe("deletions that have lain there for a day", function()
  it("are no files any more, at the owner and at its peers, and are deletions all the same", function()
    local _ <close> = packed.at_once()
    local net <close> = nodes.net()
    local a, b = make(net, 2)
    for i = 1, COUNT do nodes.check_deleted(a, "key " .. i) end
    wait_deleted(a, b)
    a, b = net:restart "a", net:restart "b" -- of which each makes its catalogue anew
    nodes.peers(a, 1)
    for i = 1, COUNT do nodes.check_deleted(a, "key " .. i) end
    for _, node in ipairs { a, b } do
      assert.same({ 0, COUNT }, { node:usage()[1].objects, node:usage()[1].deleted })
    end
    assert(a:store("key 1", "again"))
    assert.equal("again", nodes.content(a, "key 1"))
    assert(a:delete "key 1")
    nodes.check_deleted(a, "key 1")
    packed.wait(a, b)
    nodes.check_deleted(a, "key 1")
  end)

  it("keep out copies from before, and are told to who was away", function()
    local net <close> = nodes.net()
    local a, b = make(net, 3, true)
    local c = net:start("c", net.options.c)
    assert.equal(COUNT, packed.files(c))
    nodes.peer(a, c.id)
    wait_deleted(a, c)
    assert.equal(0, packed.files(a) + packed.files(b))
    for i = 1, COUNT do nodes.check_deleted(a, "key " .. i) end
  end)

  it("of less than a day stay files", function()
    local _ <close> = limits { pack_first = 0.01, pack = 0.01 }
    local net <close> = nodes.net()
    local a = net:start "a"
    assert(a:store("key", "content"))
    assert(a:delete "key")
    local looks, packing = 0, inside.of(a).packing
    local run = packing.run
    function packing:run()
      run(self)
      looks = looks + 1
    end
    nodes.wait(function() return looks >= 3 end, "looks")
    assert.equal(1, packed.files(a))
  end)

  it("are checked by a scrub, and had from others where they are bad", function()
    local net <close> = nodes.net()
    local a, b = make(net, 2)
    net:stop "b"
    local database = b.root .. "/deletions"
    for at = 3000, lfs.attributes(database, "size"), 4096 do nodes.flip(database, at) end
    b = net:start("b", net.options.b)
    nodes.peers(a, 1)
    local report = assert(b:scrub())
    assert.equal(0, report.bad - report.healed)
    wait_deleted(a, b)
  end)
end)
