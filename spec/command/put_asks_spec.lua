---`filo put` of a new key asked all peers whether they had it, and waited for who did not answer, though it is stored in any case.

local inside = require "filo.base.inside"
local methods = require "filo.command.control.methods"
local nodes = require "spec.support.nodes"

describe("what filo put asks of the node", function()
  it("is stored without a question to peers, when nothing is here under its key", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    local questions = 0
    inside.of(b).peer_list:handle("find", function()
      questions = questions + 1
      return {}
    end)
    local receipt = assert(methods.store(a, { key = "key", empty = true, fields = {} }, function() end))
    assert.same({ 2, 0 }, { #receipt.copies, questions })
  end)
end)
