---Two things that a node had to tell a client at once, while the client was slow to read, raised an error in one of them: a prompt within
---the node waited for ever for what came of its line.

local Client = require "filo.command.control.client"
local control = require "filo.command.control"
local filo = require "filo"
local nodes = require "spec.support.nodes"
local wire = require "filo.command.control.wire"

local PIECES, SIZE = 60, 100000 -- in all much more than lies unsent without waiting

---Two tasks print, and the line ends meanwhile.
local LINE = ([[
  local function print_all() for _ = 1, %d do print(("x"):rep(%d)) end end
  filo.spawn(print_all) filo.spawn(print_all)
  filo.sleep(0)
  return 7
]]):format(PIECES, SIZE)

describe("a client that is slow to read", function()
  it("gets all that its node tells it, from whichever task", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    assert(control.serve(a))
    local client <close> = assert(Client.open(a.root))
    assert(wire.send(client.connection, { call = "evaluate", ask = { source = LINE, number = 1 } }))
    for _ = 1, 100 do filo.sleep(0) end -- the node fills all room
    local printed, text = 0, nil
    while printed < 2 * PIECES or not text do
      local message = assert(filo.timeout(20, wire.receive, client.connection))
      if message.event then printed = printed + 1 else text = message.result.text end
    end
    assert.same({ 2 * PIECES, "7" }, { printed, text })
  end)
end)
