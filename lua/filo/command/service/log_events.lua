---What the log of a service says of events in its node. Of bad copies the node speaks itself.

local format = require "filo.base.format"

---Hangs on a node's hooks what tells of them.
---@param node filo.Node
---@param tell fun(level: string, message: string, fields: table)
return function(node, tell)
  local function on(event, describe)
    node:on(event, function(...)
      local message, fields = describe(...)
      fields.event = event
      tell("info", message, fields)
    end)
  end

  on("peer_up", function(peer)
    return ("%s is connected"):format(peer), { peer = peer.id, address = peer.address }
  end)
  on("peer_down", function(peer, err)
    return ("%s is gone: %s"):format(peer, err), { peer = peer.id, address = peer.address, code = err.code }
  end)
  on("stored", function(object, receipt)
    return ("stored '%s': %s, %s"):format(object.key, format.count(receipt.size, "byte", "bytes"),
      format.count(#receipt.copies, "copy", "copies")),
      { key = object.key, size = receipt.size, copies = #receipt.copies }
  end)
  on("copied", function(object, peer)
    return ("a copy of '%s' is at %s"):format(object.key, peer), { key = object.key, peer = peer.id }
  end)
  on("accepted", function(copy, peer)
    local what = copy.tombstone and "a deletion" or "a copy of " .. format.count(copy.size, "byte", "bytes")
    return ("took %s from %s"):format(what, peer), { size = copy.size, deletion = copy.tombstone, peer = peer.id }
  end)
  on("deleted", function(item, receipt)
    return ("deleted '%s', %s"):format(item.key, format.count(#receipt.copies, "node knows", "nodes know")),
      { key = item.key, copies = #receipt.copies }
  end)
end
