-- A folder in bad/ whose name sorts first could not be removed as the oldest copy, so none was, and bad/ grew.

local lfs = require "lfs"
local stores = require "spec.support.stores"
local temp = require "spec.support.temp"

describe("copies set aside", function()
  it("are the newest 64, whatever else lies with them", function()
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder)
    local bad = folder:file "root/bad"
    assert(lfs.mkdir(bad .. "/0 a folder"))
    for i = 1, 70 do
      local key = "key " .. i
      stores.put(disk, "content", { key = key })
      assert(disk:set_aside(stores.me:raw_id(), stores.path(key)))
    end
    local names = stores.list(bad)
    assert.equal(65, #names)
    assert.equal("0 a folder", names[1])
  end)
end)
