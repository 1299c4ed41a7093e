local filo = require "filo"
local nodes = require "spec.support.nodes"
local refused = require "spec.support.refused"

describe("node:fetch", function()
  it("brings a whole copy here, once", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    local content = nodes.bytes(5 << 20)
    assert(a:store("key", content))
    assert(a:evict "key")
    local item = assert(a:fetch "key")
    assert.same({ "key", 5 << 20, "here" }, { item.key, item.size, item.from })
    net:stop "b"
    assert.is_true(content == nodes.content(a, "key"))
    assert.equal("here", assert(a:fetch "key").from)
    refused("not_found", a:fetch "none")
    assert.is_truthy(b)
  end)
end)

describe("node:copies", function()
  it("tells what each node has, and what not", function()
    local net <close> = nodes.net()
    local a, b, c = net:cluster(3, { policy = filo.policy.copies(2) })
    local receipt = assert(a:store("key", "content"))
    local copies = assert(a:copies "key")
    assert.equal(3, #copies)
    assert.equal(a.id, copies[1].node)
    local holders = {}
    for _, copy in ipairs(copies) do
      if copy.version then
        assert.same({ receipt.version, 7 }, { copy.version, copy.size })
        holders[copy.node] = true
      else
        assert.matches("no copy", copy.problem)
      end
    end
    for _, id in ipairs(receipt.copies) do assert.is_true(holders[id]) end
    assert(a:evict "key")
    assert.matches("no copy", a:copies("key")[1].problem)
    assert.is_truthy(b and c)
  end)

  it("tells why a peer took none", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    local remove = b:on("before_accept", function() return false, "not today" end)
    refused("not_enough_copies", a:store("key", "content"))
    assert.matches("it has no copy; when it was to take one: .*not today", a:copies("key")[2].problem)
    remove()
    assert(a:store("key", "content"))
    assert.is_nil(a:copies("key")[2].problem)
  end)

  it("tells when each copy was last known to be good", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    assert(a:store("key", "content"))
    for _, node in ipairs { a, b } do assert(os.execute("touch -d @1000 '" .. nodes.place(a, node, "key") .. "'")) end
    local copies = a:copies "key"
    assert.same({ 1000, 1000 }, { copies[1].verified, copies[2].verified })
    assert(a:verify "key")
    copies = a:copies "key"
    assert.is_true(math.abs(copies[1].verified - os.time()) < 100)
    assert.equal(1000, copies[2].verified)
  end)

  it("tells of deletions", function()
    local net <close> = nodes.net()
    local a = net:cluster(2)
    assert(a:store("key", "content"))
    assert(a:delete "key")
    for _, copy in ipairs(a:copies "key") do assert.is_true(copy.deleted) end
  end)
end)

describe("node:activity", function()
  it("shows what moves, and nothing afterwards", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    assert.same({}, a:activity())
    local path = net.folder:write("content", nodes.bytes(48 << 20)) or net.folder:file "content"
    local seen = {}
    local function watch(task)
      while task:status() ~= "ended" do
        for _, each in ipairs(a:activity()) do
          seen[each.what] = each
          assert.equal("key", each.key)
          assert.is_true(each.bytes >= 0 and each.bytes <= (each.size or math.maxinteger))
        end
        filo.sleep(0)
      end
    end
    local storing = filo.spawn(function() return assert(a:store("key", filo.file(path))) end)
    watch(storing)
    assert.equal(2, #storing:join(10).copies)
    assert.equal(b.id, seen.copy.peer)
    assert.is_truthy(seen.store)
    assert(a:evict "key")
    watch(filo.spawn(function() return assert(a:fetch "key") end))
    assert.equal(48 << 20, seen.fetch.size)
    assert.same({}, a:activity())
  end)
end)
