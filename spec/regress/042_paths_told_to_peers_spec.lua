-- What a peer was told when its copy could not be kept named folders of this machine.

local nodes = require "spec.support.nodes"
local strangers = require "spec.support.stranger"

describe("a node that cannot keep a copy", function()
  it("tells the kind of failure and no path; its own log has all", function()
    local net <close> = nodes.net()
    local a = net:start("a", { reserve = 1 << 60 })
    local stranger <close> = strangers.meet(a)
    for _, case in ipairs {
      { "store", { record = stranger:record { size = 10 }, body = ("x"):rep(42) } },
      { "offer", { record = stranger:record { size = 10 } } },
      { "store", { record = ("x"):rep(300), body = "" } },
    } do
      local _, message = stranger:refusal(case[1], case[2])
      assert.is_nil(message:find(net.folder.path, 1, true))
      assert.is_nil(message:find("/", 1, true))
    end
    assert.equal("no_space", (stranger:refusal("offer", { record = stranger:record { size = 10 } })))
  end)

  it("says so when a folder cannot be written", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    assert(os.execute(("rm -rf %s/tmp && touch %s/tmp"):format(b.root, b.root)))
    local receipt, err = a:store("key", "content")
    assert.is_nil(receipt)
    assert.equal("not_enough_copies", err.code)
    assert.is_nil(tostring(err):find(b.root, 1, true))
    assert.is_truthy(net:logged("b warning: a peer's copy could not be kept: .*" .. b.root))
  end)
end)
