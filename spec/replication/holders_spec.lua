---Who has taken copies and is away: a deletion has to name it.

local limits = require "spec.support.limits"
local nodes = require "spec.support.nodes"
local refused = require "spec.support.refused"
local temp = require "spec.support.temp"

---A node that dials nobody, and those that dial it.
local function start(net, count)
  local a, others = net:start "a", {}
  for i = 1, count do others[i] = net:start(string.char(97 + i), { bootstrap = { a.address } }) end
  nodes.peers(a, count)
  return a, table.unpack(others)
end

local function go_away(net, a, name)
  local before = #a:peers()
  net:stop(name)
  nodes.peers(a, before - 1)
end

describe("a node that has taken a copy and is away", function()
  it("is named by deletions, also of what it has no copy of", function()
    local net <close> = nodes.net()
    local a, b = start(net, 1)
    assert(a:store("there", "content"))
    go_away(net, a, "b")
    assert(a:store("here", "content", { to = {} }))
    for _, key in ipairs { "there", "here" } do assert.same({ b.id }, assert(a:delete(key)).unreached) end
  end)

  it("is named when it only was seen to have one, since what was noted is lost", function()
    local net <close> = nodes.net()
    local a, b = start(net, 1)
    for _, key in ipairs { "key", "other" } do assert(a:store(key, "content")) end
    net:stop "a"
    assert(os.execute("rm -r " .. temp.quote(net.folder:file "a/holders")))
    a = net:start("a", net.options.a)
    assert(b:connect(a.address))
    nodes.peers(a, 1)
    assert.equal(2, #assert(a:copies "key"))
    go_away(net, a, "b")
    assert.same({ b.id }, assert(a:delete "other").unreached)
  end)

  it("is named once where it is dialled", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    assert(a:store("key", "content"))
    go_away(net, a, "b")
    assert.same({ b.address }, assert(a:delete "key").unreached)
  end)

  it("is not named when it took none", function()
    local net <close> = nodes.net()
    local a, b = start(net, 1)
    b:on("before_accept", function() return false, "full" end)
    refused("not_enough_copies", a:store("key", "content"))
    go_away(net, a, "b")
    assert.same({}, assert(a:delete "key").unreached)
  end)

  it("is told of in the log when there are too many to note", function()
    local net <close> = nodes.net()
    local a, b, c = start(net, 2)
    local _ <close> = limits { remembered = 1 }
    for _, peer in ipairs { b, c } do assert.equal(2, #assert(a:store("key", "content", { to = peer.id })).copies) end
    assert.matches("a deletion does not tell of it while it is away: there is room for 1", net:expect "could not be noted")
  end)
end)
