local filo = require "filo"
local nodes = require "spec.support.nodes"
local refused = require "spec.support.refused"
local temp = require "spec.support.temp"

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

  -- "Verified" was the time of a file: of a rotten copy, `touch` said that it was good, in 2030.
  it("tells when each copy was last hashed and found good, which a time of a file does not say", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    assert(a:store("key", "content"))
    local function verified()
      local copies, list = a:copies "key", {}
      for i = 1, 2 do list[i] = copies[i].verified and math.abs(copies[i].verified - os.time()) < 100 end
      return list[1], list[2]
    end
    local function shell(node, command)
      assert(os.execute(("sh -c '%s' sh %s"):format(command, temp.quote(nodes.place(a, node, "key")))))
    end
    assert.same({ true, true }, { verified() })
    for _, command in ipairs {
      [[touch -d "2030-01-01" "$1"]], [[touch -d "2001-01-01" "$1"]], [[touch "$1"]],
      [[dd if="$1" of="$1" bs=1 count=1 conv=notrunc status=none]], -- written to
      [[cp --archive "$1" "$1.new" && mv "$1.new" "$1"]],           -- another file
    } do
      shell(a, command)
      assert.same({ nil, true }, { verified() })
      assert(a:verify "key")
      assert.same({ true, true }, { verified() })
    end
    shell(b, [[touch -d "2030-01-01" "$1"]])
    assert.same({ true, nil }, { verified() })
  end)

  -- "It has no copy" was all that was said, as if one were missing.
  it("is told by the placement whether the policy wants a copy where there is none", function()
    local net <close> = nodes.net()
    local first -- the ID of the one that is placed at
    local policy = {
      name = "a test",
      place = function(_, peers)
        local list = {}
        for _, peer in ipairs(peers) do
          if peer.id == first then list[1] = peer end
        end
        return list
      end,
    }
    local a, b, c = net:cluster(3, { policy = policy })
    first = b.id
    local remove = b:on("before_accept", function() return false, "not today" end)
    refused("not_enough_copies", a:store("key", "content"))
    local function at(node)
      local _, copies = assert(a:placement "key")
      for _, copy in ipairs(copies) do
        if copy.node == node.id then return copy end
      end
    end
    assert.matches("it has no copy; when it was to take one: .*not today", at(b).problem)
    assert.is_nil(at(b).unwanted)
    assert.same({ "the policy places none there", true }, { at(c).problem, at(c).unwanted })
    remove()
    assert(a:replicate "key")
    assert.is_truthy(at(b).version)
    first = c.id
    assert.same({ "it has no copy", nil }, { at(c).problem, at(c).unwanted })
  end)

  it("is told by the placement that other peers come first", function()
    local net <close> = nodes.net()
    local a = net:cluster(3, { policy = filo.policy.copies(2) })
    assert(a:store("key", "content"))
    local _, copies = assert(a:placement "key")
    local without = copies[2].version and copies[3] or copies[2]
    assert.same({ "the policy asks for 1 copy at peers, and others come first", true }, { without.problem, without.unwanted })
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
