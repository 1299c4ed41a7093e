---`filo peers`: lists the peers that the running node is connected to.

local format = require "filo.base.format"
local json = require "filo.base.json"
local open = require "filo.command.root.open"
local root = require "filo.command.root"

local function line(peer)
  return ("%s  %-21s  %10s free  %s\n"):format(peer.id:sub(1, 16), peer.address, peer.free and format.bytes(peer.free) or "?",
    peer.rtt and ("%.1f ms"):format(peer.rtt * 1000) or "not measured yet")
end

return {
  summary = "List the peers that the running node is connected to.",

  describe = function(parser)
    root.option(parser)
    parser:flag("--json", "For programs: a list, with whole IDs.")
  end,

  run = function(args)
    local client <close>, err = open.client(args)
    if not client then return nil, err end
    local peers
    peers, err = client:call "peers"
    if not peers then return nil, err end
    if args.json then
      for _, peer in ipairs(peers) do json.with_object(peer, "about") end
      io.write(json.encode(peers, { "id", "address" }), "\n")
      return
    end
    for _, peer in ipairs(peers) do io.write(line(peer)) end
  end,
}
