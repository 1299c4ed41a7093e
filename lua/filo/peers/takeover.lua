---Takeovers: of two connections to one peer one stays. Who had something under way over the other goes on over it: Peer:across_takeover.

local takeover = { REASON = "another connection took over" }

---Of two connections to one peer, both ends keep the one that the node with the smaller ID dialled; of two dialled by the same
---node, the older one. One that has fallen silent gives way.
---@param me string  ID of this node
---@param old filo.peers.Peer  over the connection that is there
---@param connection filo.core.Connection  the new one
---@param id string  of the peer
---@return boolean
function takeover.keeps_new(me, old, connection, id)
  if old.gone or old.silent then return true end
  local dialler_is_me = connection:is_dialler()
  if old.connection:is_dialler() == dialler_is_me then return false end
  return dialler_is_me == (me < id)
end

---Closes the connection that gave way. The side that was dialled over the new one does so: it lets the other in last, so that both have the
---new one then. The other side sees to it that it is done.
---@param old filo.peers.Peer
---@param dialled boolean  this side dialled the new one, which may have gone, too, by now
function takeover.close(old, dialled)
  if dialled then old.host.sleep(old.host.limits.rival) end
  old.connection:close("exists", takeover.REASON)
end

---Whether a connection is in the way of a new one with the same ID: it is when its peer lives. This keeps two nodes that run with
---one identity from taking the connection from each other for ever.
---@param old? filo.peers.Peer
---@param instance? string  of the run of the node that comes
---@return string? code, string? why, boolean? known  it is the same run
function takeover.rival(me, old, connection, id, instance)
  if not old or takeover.keeps_new(me, old, connection, id) then return nil end
  local reply, err = old:request("ping", {}, old.host.limits.rival)
  if reply or err.code == "busy" then
    return "exists", ("a node with this ID is connected already, from %s"):format(old.address), old.instance == instance
  end
  old:give_way()
end

return takeover
