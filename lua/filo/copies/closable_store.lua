---The disk of a node, whose calls give nil, closed once it is closed: what still runs then learns it as of any failure.

local errors = require "filo.base.errors"

local function closed() return errors.fail("closed", "the node is closed") end

---The methods of a store, which turn into `closed` when it is.
---@param store userdata
---@return table
return function(store)
  local disk = {}
  function disk:close() -- luacheck: no self
    if store then store:close() end
    store = nil
  end
  return setmetatable(disk, { __index = function(_, name)
    if not store then return closed end
    local method = store[name]
    disk[name] = method and function(_, ...)
      if not store then return closed() end
      return method(store, ...)
    end
    return disk[name]
  end })
end
