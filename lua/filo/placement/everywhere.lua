---A copy at every connected peer; everything that is offered is accepted.

return {
  name = "a copy at every peer",
  place = function(_, peers) return peers end,
  accept = function() return true end,
}
