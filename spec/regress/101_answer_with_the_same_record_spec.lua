-- A peer that answered an offer with the very record it was offered, as if that were a newer one, made store and delete go round for ever.

local nodes = require "spec.support.nodes"
local strangers = require "spec.support.stranger"

describe("a peer that gives the record back", function()
  for _, size in ipairs { 10, 100000 } do
    it(("is refused, with %d bytes"):format(size), function()
      local net <close> = nodes.net()
      local a = net:start "a"
      local peer <close> = strangers.meet(a)
      peer:on("store", function(body) return { body = { record = body.record } } end)
      peer:on("offer", function(body) return { body = { record = body.record } } end)
      nodes.peers(a, 1)
      local receipt, err = a:store("key", nodes.bytes(size))
      assert.is_nil(receipt)
      assert.equal("not_enough_copies", err.code)
      assert.matches("not newer", err.receipt.refused[1].reason)
      local deleted = assert(a:delete "key")
      assert.matches("not newer", deleted.refused[1].reason)
    end)
  end
end)
