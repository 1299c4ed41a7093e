---A node says the same of what was deleted whether that is packed or a file.

local filo = require "filo"
local nodes = require "spec.support.nodes"
local packed = require "spec.support.packed"

describe("a node of whose deletions some are packed", function()
  for _, packs in ipairs { false, true } do
    local how = packs and "packed" or "in a file"

    it("does not say of an object that is bad that it was deleted, as it was before, " .. how, function()
      local _ <close> = packs and packed.at_once() or nil
      local net <close> = nodes.net()
      local a = net:start "a"
      assert(a:store("key", "content"))
      assert(a:delete "key")
      if packs then packed.wait(a) end
      assert(a:store("key", ("again"):rep(1000)))
      nodes.flip(nodes.place(a, a, "key"), 100)
      a:scrub()
      local _, err = a:get "key"
      assert.not_equal("'key' was deleted", tostring(err))
    end)

    it("heals an object that is bad, and was deleted before, " .. how, function()
      local _ <close> = packs and packed.at_once() or nil
      local net <close> = nodes.net()
      local a, b = net:cluster(2)
      assert(a:store("key", "content"))
      assert(a:delete "key")
      if packs then
        packed.wait(a)
        packed.wait(b)
      end
      assert(a:store("key", ("again"):rep(1000)))
      nodes.wait(function() return packed.files(b) == 1 and packed.files(a) == 1 end, "copies")
      nodes.flip(nodes.place(a, a, "key"), 100)
      assert(a:scrub())
      nodes.wait(function() return nodes.content(a, "key") == ("again"):rep(1000) end, "healing")
      nodes.wait(function() return packed.files(a) == 1 end, "a copy here")
      assert.same({ 1, 0 }, { a:usage()[1].objects, a:usage()[1].deleted })
    end)

    it("changes paths, and back, " .. how, function()
      local _ <close> = packs and packed.at_once() or nil
      local net <close> = nodes.net()
      local a = net:start "a"
      for i = 1, 20 do assert(a:store("key " .. i, "content")) end
      for i = 1, 20 do assert(a:delete("key " .. i)) end
      if packs then packed.wait(a) end
      for i = 1, 5 do assert(a:store("key " .. i, "again " .. i)) end
      for _, depth in ipairs { 2, 1, 0, 1 } do
        a = net:restart("a", { path = { digest = "sha1", width = 2, depth = depth }, convert = true })
        for i = 1, 5 do assert.equal("again " .. i, nodes.content(a, "key " .. i)) end
        for i = 6, 20 do nodes.check_deleted(a, "key " .. i) end
        assert.same({ 5, 15 }, { a:usage()[1].objects, a:usage()[1].deleted })
      end
    end)
  end

  for _, packs in ipairs { false, true } do
    it("tells who reads beside it of one that is " .. (packs and "packed" or "a file"), function()
      local _ <close> = packs and packed.at_once() or nil
      local net <close> = nodes.net()
      local a = net:start "a"
      assert(a:store("key", "content"))
      local reader <close> = assert(filo.node { root = a.root, readonly = true, log = function() end })
      assert(a:delete "key")
      if packs then packed.wait(a) end
      nodes.check_deleted(reader, "key")
    end)
  end

  it("tells that all packed ones were lost, and where they are", function()
    local _ <close> = packed.at_once()
    local net <close> = nodes.net()
    local a = net:start "a"
    assert(a:store("key", "content"))
    assert(a:delete "key")
    packed.wait(a)
    net:stop "a"
    local file <close> = assert(io.open(a.root .. "/deletions", "wb"))
    file:write(("noise"):rep(5000))
    file:flush()
    a = net:start("a", net.options.a)
    assert.is_true(nodes.exists(a.root .. "/deletions.bad"))
    net:expect "a warning: deletions could not be packed: .*/deletions was damaged, and is put by as deletions.bad"
  end)
end)
