-- Peers that came back were told of deletions one after the other: a slow one kept all others from hearing of any.

local filo = require "filo"
local limits = require "spec.support.limits"
local nodes = require "spec.support.nodes"
local strangers = require "spec.support.stranger"

describe("a peer that comes back", function()
  it("is told of deletions while another does not answer", function()
    local _ <close> = limits { tell = 0.5 }
    local net <close> = nodes.net()
    local a = net:cluster(2)
    for i = 1, 3 do assert(a:store("key" .. i, "content")) end
    net:stop "b"
    nodes.peers(a, 0)
    for i = 1, 3 do assert(a:delete("key" .. i)) end
    local slow <close> = strangers.meet(a)
    slow:on("store", function() filo.sleep(60) end)
    nodes.peers(a, 1)
    local b = net:restart "b"
    assert(b:connect(a.address))
    for i = 1, 3 do
      nodes.wait(function()
        local found = b.disk:stat(a.namespace, a:path_of(a:key_hash("key" .. i)))
        return found and found.tombstone
      end, "tombstone")
    end
  end)
end)
