-- Listing wrote a line to the log for each file that it could not read.

local nodes = require "spec.support.nodes"

local FORMAT_AT = -12 -- of the footer; all bits flipped it is one that may come one day

describe("a listing with many files that cannot be read", function()
  local function warnings(net, act)
    net.lines = {}
    act()
    local found = {}
    for _, line in ipairs(net.lines) do found[#found + 1] = line:match "^a warning: (cannot list .*)" end
    return found
  end

  it("names the first and counts the others", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    local function list()
      local keys = {}
      for item in a:list() do keys[#keys + 1] = item.key end
      return keys
    end
    for i = 1, 10 do assert(a:store("key " .. i, "content")) end
    for i = 1, 9 do
      nodes.flip(nodes.place(a, a, "key " .. i), FORMAT_AT)
      local found = warnings(net, function() assert.equal(10 - i, #list()) end)
      assert.matches("^cannot list .*/a/objects/%x+/%x%x/%x%x/%x+: unsupported$", found[1])
      assert.equal(i > 1 and ("cannot list %d more below %s/objects/%s"):format(i - 1, a.root, a.id) or nil, found[2])
      assert.equal(i > 1 and 2 or 1, #found)
    end
  end)
end)
