#!/usr/bin/env filo
-- A peer: keeps copies for other nodes until it is stopped.
--
--   FILO_SECRET_FILE=secret filo scripts/peer.lua ROOT LISTEN [PEERS]
--
--   ROOT    folder for its identity and the copies; made when absent
--   LISTEN  where it can be reached: "0.0.0.0:3000"; port 0 lets the system choose
--   PEERS   addresses to stay connected to, with commas between them
--
-- The file in FILO_SECRET_FILE holds the secret that all nodes share. Make one: openssl rand -hex 32 > secret

local filo = require "filo"
local script = require "filo.script"

local root, listen, peers = ...
if not listen or arg[4] then script.usage "two or three arguments expected" end

local node <close>, err = filo.node {
  root = root, listen = listen, bootstrap = script.addresses(peers), cluster = script.secret(),
}
if not node then script.fail("%s", err) end

local function tell(text, ...)
  print(text:format(...))
  io.stdout:flush()
end

node:on("peer_up", function(peer) tell("%s is connected", peer) end)
node:on("peer_down", function(peer, why) tell("%s is gone: %s", peer, why) end)
node:on("accepted", function(copy, peer)
  tell("%s from %s", copy.tombstone and "a deletion" or "a copy of " .. script.count(copy.size, "byte", "bytes"), peer)
end)
tell("node %s at %s", node.id, node.address)
node:wait()
