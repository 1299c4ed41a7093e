-- A peer whose answer came late was not heard: an old copy that another gave first came back for good, though the late one held a
-- deletion or a newer version.

local filo = require "filo"
local nodes = require "spec.support.nodes"

---Two peers: b, which was away, has the first version; c has what came later, and answers when it is told to.
local function with_late_peer(change, check)
  local net <close> = nodes.net()
  local a, b, c = net:cluster(3)
  assert(a:store("key", "old"))
  local store = b.peer_list.handlers.store
  b.peer_list:handle("store", function() return nil, filo.error("denied", "away") end)
  change(a)
  b.peer_list:handle("store", store)
  assert(os.remove(nodes.place(a, a, "key"))) -- a has lost its disk
  local find, go = c.peer_list.handlers.find, filo.channel()
  c.peer_list:handle("find", function(...)
    go:receive()
    return find(...)
  end)
  assert.equal("old", nodes.content(a, "key"))
  go:send(true)
  c.peer_list:handle("find", find)
  check(a)
  assert.is_truthy(b)
end

describe("a peer that answers late", function()
  it("brings its deletion", function()
    with_late_peer(function(a) assert(a:delete "key") end, function(a)
      nodes.wait(function()
        local _, err = nodes.content(a, "key")
        return tostring(err) == "'key' was deleted"
      end, "deletion")
    end)
  end)

  it("brings its newer version", function()
    with_late_peer(function(a) a:store("key", "new") end, function(a)
      nodes.wait(function() return nodes.content(a, "key") == "new" end, "newer version")
    end)
  end)
end)
