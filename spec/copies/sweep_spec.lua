local lfs = require "lfs"
local limits = require "spec.support.limits"
local nodes = require "spec.support.nodes"
local partials = require "spec.support.partials"
local stores = require "spec.support.stores"
local temp = require "spec.support.temp"

-- A node that ran on swept nothing: what was left of a copy stayed until a restart.

describe("a node that runs", function()
  it("removes what it has of a copy that nobody has completed in a week", function()
    local _ <close> = limits { sweep = 0.02 }
    local net <close> = nodes.net()
    local other <close> = temp.folder()
    local size = (2 << 20) + 5
    local record, sealed = partials.seal(other, stores.bytes(size))
    net:start "a"
    net:stop "a"
    local path = net.folder:file((partials.file(record):gsub("^root", "a")))
    partials.fill(path, sealed, size, 1)
    net:start "a"
    assert(lfs.touch(path, os.time() - 7 * 24 * 3600 - 10))
    nodes.wait(function() return not lfs.attributes(path) end, "sweep")
  end)
end)
