-- What had come of a stream that was cut half-way was kept and served as if it were whole.

local forge = require "spec.support.forge"
local nodes = require "spec.support.nodes"
local strangers = require "spec.support.stranger"
local wire = require "spec.support.wire"

local SIZE = (2 << 20) + 100
local CUTS = { 0, 1, 95, 96, 97, 96 + 1000, 96 + (1 << 20), 96 + (1 << 20) + 1, 96 + SIZE - 1 }

local HOW = {
  ["ends the stream"] = function(peer) peer.line:write(wire.stream(1, "")) end,
  ["gives the stream up"] = function(peer) peer.line:write(wire.reset(1, 11)) end,
  ["breaks the connection"] = function(peer) peer:close() end,
}

describe("a stream that is cut half-way", function()
  for how, cut in pairs(HOW) do
    it("is never served, and may come again: the sender " .. how, function()
      local net <close> = nodes.net()
      local a = net:start("a", { tls = false })
      local forged = forge(assert(require("filo").crypto.identity_generate()):namespace(), { content = nodes.bytes(SIZE) })
      local bytes = forged.hashes .. forged.content
      local asking <close> = strangers.meet(a, { tls = false })
      for _, at in ipairs(CUTS) do
        local sender <close> = strangers.meet(a, { tls = false })
        local fill, answer
        nodes.wait(function()
          fill, answer = sender:offer(forged)
          assert.is_true(fill ~= nil or answer.code == "busy", "the last one ends first")
          return fill
        end, "turn")
        local done = (answer.hashes and 0 or #forged.hashes) + answer.want * (1 << 20)
        assert(sender.line:wait_credit(1, 1))
        if at > done then sender.line:write_stream(1, bytes:sub(done + 1, at)) end
        cut(sender)
        if how ~= "breaks the connection" then assert.is_nil((sender:reply(fill))) end
        assert.same({}, (asking:find(forged)))
        assert.equal("not_found", select(2, asking:read(forged)).code)
      end
      local sender <close> = strangers.meet(a, { tls = false })
      local fill, answer
      nodes.wait(function()
        fill, answer = sender:offer(forged)
        return fill
      end, "turn")
      assert.same({ want = 2, hashes = false }, answer) -- what had come whole is still good
      assert.same({}, (sender:deliver(forged, fill, answer)))
      assert.equal(forged.record, asking:find(forged).record)
      assert.is_true(bytes == asking:read(forged))
    end)
  end
end)
