---What the log of a service says of events in its node. Of bad copies the node speaks itself.

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
    return ("stored '%s': %d bytes, %d copies"):format(object.key, receipt.size, #receipt.copies),
      { key = object.key, size = receipt.size, copies = #receipt.copies }
  end)
  on("copied", function(object, peer)
    return ("a copy of '%s' is at %s"):format(object.key, peer), { key = object.key, peer = peer.id }
  end)
  on("accepted", function(copy, peer)
    local what = copy.tombstone and "a deletion" or ("a copy of %d bytes"):format(copy.size)
    return ("took %s from %s"):format(what, peer), { size = copy.size, deletion = copy.tombstone, peer = peer.id }
  end)
  on("deleted", function(item, receipt)
    return ("deleted '%s', %d nodes know"):format(item.key, #receipt.copies), { key = item.key, copies = #receipt.copies }
  end)
end
