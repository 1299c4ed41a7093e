---What others make a node do costs it more than it costs them. Identities are to be had for nothing, so it must not add up.

local forge = require "spec.support.forge"
local inside = require "filo.base.inside"
local limits = require "spec.support.limits"
local nodes = require "spec.support.nodes"
local simulated = require "spec.support.simulated"
local strangers = require "spec.support.stranger"

---How often copies are opened to be checked, from now on.
local function count_checks(node)
  local disk, count = inside.of(node).verifier.disk, 0
  inside.of(node).verifier.disk = setmetatable({ object = function(_, ...)
    count = count + 1
    return disk:object(...)
  end }, { __index = function(_, name)
    return function(_, ...) return disk[name](disk, ...) end
  end })
  return function() return count end
end

---Stores a small object of a stranger's; gives what names it.
local function keep(stranger, content)
  local forged = forge(stranger.keys, { content = content })
  assert(stranger:ask("store", { record = forged.record, body = forged.hashes .. forged.content }))
  return { namespace = forged.namespace, key_hash = forged.key_hash }, forged
end

describe("a check of a copy", function()
  it("is made for its owner only, and not again soon when the copy is good", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    local owner <close> = strangers.meet(a)
    local other <close> = strangers.meet(a)
    local named = keep(owner, "content")
    local checks = count_checks(a)
    assert.same({}, (other:ask("check", named)))
    assert.same({}, (owner:ask("check", named)))
    nodes.wait(function() return not next(inside.of(a).verifier.suspected) end, "end of the check")
    assert.equal(1, checks())
    for _ = 1, 5 do assert.same({}, (owner:ask("check", named))) end
    assert.equal(1, checks())
  end)

  it("is made again after a while", function()
    local _ <close> = limits { recheck = 0 }
    local net <close> = nodes.net()
    local a = net:start "a"
    local owner <close> = strangers.meet(a)
    local named = keep(owner, "content")
    local checks = count_checks(a)
    for i = 1, 3 do
      assert.same({}, (owner:ask("check", named)))
      nodes.wait(function() return checks() == i and not next(inside.of(a).verifier.suspected) end, "end of the check")
    end
  end)
end)

describe("a proof of a copy", function()
  it("is given to its owner only", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    local owner <close> = strangers.meet(a)
    local other <close> = strangers.meet(a)
    local named, forged = keep(owner, "content")
    named.version, named.first, named.count = forged.version, 0, 1
    named.nonce = ("n"):rep(32)
    assert.equal("denied", (other:refusal("prove", named)))
    assert.equal(32, #owner:ask("prove", named).hash)
  end)

  it("is given to one after the other", simulated(function(net, host)
    local a, b, c = net:cluster(3)
    for _, node in ipairs { b, c } do nodes.peers(node, 2) end
    for _, node in ipairs { b, c } do assert(node:store("key", nodes.bytes(5000))) end
    local prove, running, most = inside.of(a).verifier.prove, 0, 0
    inside.of(a).verifier.prove = function(...)
      running = running + 1
      most = math.max(most, running)
      host.sleep(1)
      running = running - 1
      return prove(...)
    end
    local tasks = {}
    for _, node in ipairs { b, c } do tasks[#tasks + 1] = host.spawn_child(function() return node:evict "key" end) end
    for _, each in ipairs(tasks) do assert.is_true(each:join()) end
    assert.equal(1, most)
  end))
end)

-- Each that connected with a new identity had all deletions read, one after the other.

describe("a node that peers connect to again and again", function()
  it("reads all that was deleted no more often than it can afford, and tells all of them of what was deleted", simulated(function(net, host)
    local a = net:start "a"
    assert(a:store("key", "content"))
    assert(a:delete "key")
    local catalogue, times = inside.of(a).tombstones.catalogue, 0
    inside.of(a).tombstones.catalogue = setmetatable({ tombstones = function(_, ...)
      times = times + 1
      local next_row = catalogue:tombstones(...)
      return function()
        host.sleep(2)
        return next_row()
      end
    end }, { __index = function(_, name)
      return function(_, ...) return catalogue[name](catalogue, ...) end
    end })
    for name in ("bcdef"):gmatch "." do
      assert(net:start(name):connect(net:machine("a").address))
      host.sleep(6)
    end
    assert.equal(1, times)
    host.sleep(60)
    assert.equal(2, times)
    for name in ("bcdef"):gmatch "." do
      local node = net:machine(name).run.node
      assert.is_true(inside.of(node).disk:stat(inside.of(a).namespace, a:path_of(a:key_hash "key")).tombstone)
    end
  end))
end)
