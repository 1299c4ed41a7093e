---Who sends whom copies, as it is seen on simulated lines.

local identity = require "filo.sim.identity"
local new_random = require "filo.sim.random"
local new_traffic = require "filo.sim.traffic"
local record = require "filo.sim.record"

local KEY_HASH = ("k"):rep(32)

---A message that brings a copy, and the namespace that it is of.
local function message(topic)
  local keys = identity.new_keyring():generate(new_random(1)):namespace()
  local fields = {
    flags = 0, version = 1024, generation = 0, class = 0, size = 0, key_hash = KEY_HASH, iv = ("i"):rep(16), root = record.root {},
  }
  return { topic = topic, body = { record = record.make(keys, fields, ("c"):rep(32), ("n"):rep(12)), body = "" } }, keys:raw_id()
end

local function machine(index, namespace, intact)
  return {
    index = index, was_calm = function() return true end,
    disk = { namespace = namespace, file = function() return { intact = intact } end },
  }
end

describe("the traffic of a simulation", function()
  for _, topic in ipairs { "offer", "store" } do
    it("shows copies that more than one has sent at once: " .. topic, function()
      local sent, namespace = message(topic)
      local a, b, c, d = machine(1, "a", true), machine(2, "b", true), machine(3, "c", true), machine(4, "d", true)
      local owner, rotten = machine(5, namespace, true), machine(6, "e", false)
      local traffic = new_traffic()
      local function see(from, to)
        traffic:see(from, to, sent)
        return { traffic.copies, traffic.again }
      end
      assert.same({ 1, 0 }, see(a, c))
      assert.same({ 1, 0 }, see(a, c)) -- the same once more
      assert.same({ 2, 0 }, see(a, d))
      assert.same({ 2, 0 }, see(owner, c))
      assert.same({ 2, 0 }, see(rotten, d))
      assert.same({ 3, 1 }, see(b, c))
    end)
  end

  it("is not what only asks", function()
    local sent = message "find"
    local traffic = new_traffic()
    traffic:see(machine(1, "a", true), machine(2, "b", true), sent)
    assert.equal(0, traffic.copies)
  end)
end)
