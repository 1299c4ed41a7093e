-- What had come of a stream that was cut half-way was kept and served as if it were whole.

local forge = require "spec.support.forge"
local nodes = require "spec.support.nodes"
local raw_peers = require "spec.support.raw_peer"

local SIZE = (2 << 20) + 100
local CUTS = { 0, 1, 95, 96, 97, 96 + 1000, 96 + (1 << 20), 96 + (1 << 20) + 1, 96 + SIZE - 1 }

local HOW = {
  ["ends the stream"] = function(peer) peer:end_stream() end,
  ["gives the stream up"] = function(peer) peer:frame(0x04, 1, 11) end,
  ["breaks the connection"] = function(peer) peer:close() end,
}

describe("a stream that is cut half-way", function()
  for how, cut in pairs(HOW) do
    it("is never served, and may come again: the sender " .. how, function()
      local net <close> = nodes.net()
      local a = net:start("a", { tls = false })
      local forged = forge(assert(require("filo").crypto.identity_generate()), { content = nodes.bytes(SIZE) })
      local bytes = forged.hashes .. forged.content
      local place = { namespace = forged.namespace, key_hash = forged.key_hash }
      local asking <close> = raw_peers.meet(a)
      for _, at in ipairs(CUTS) do
        local sender <close> = raw_peers.meet(a)
        nodes.wait(function()
          local answer, err = sender:ask("offer", { record = forged.record })
          assert.is_true(answer ~= nil or err.code == "busy", "the last one ends first")
          if answer then sender.hashes, sender.first = answer.hashes, answer.want end
          return answer
        end, "turn")
        local done = (sender.hashes and 0 or #forged.hashes) + sender.first * (1 << 20)
        local fill = sender:request("fill", { record = forged.record, stream = 1, hashes = sender.hashes, first = sender.first })
        assert(sender:wait_credit(1, 1))
        if at > done then sender:stream(bytes:sub(done + 1, at)) end
        cut(sender)
        if how ~= "breaks the connection" then assert.is_nil((sender:reply(fill))) end
        assert.same({}, (asking:ask("find", place)))
        assert.equal("not_found", select(2, asking:read(forged)).code)
      end
      local sender <close> = raw_peers.meet(a)
      local answer = nodes.wait(function() return (sender:ask("offer", { record = forged.record })) end, "turn")
      assert.same({ want = 2, hashes = false }, answer) -- what had come whole is still good
      local fill = sender:request("fill", { record = forged.record, stream = 1, hashes = false, first = 2 })
      sender:stream(forged.content:sub(1 + (2 << 20)))
      sender:end_stream()
      assert.same({}, (sender:reply(fill)))
      assert.equal(forged.record, asking:ask("find", place).record)
      assert.is_true(bytes == asking:read(forged))
    end)
  end
end)
