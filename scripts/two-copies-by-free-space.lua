#!/usr/bin/env filo
-- Stores files with two copies: one here, one at the peer that has most room for it.
--
--   FILO_SECRET_FILE=secret filo scripts/two-copies-by-free-space.lua ROOT PEERS FILE...
--
--   ROOT   folder of this node: its identity, which alone can read the copies, and its own copies
--   PEERS  addresses of the peers, with commas between them
--   FILE   what to store, under its path as the key; "-" is standard input
--
-- The file in FILO_SECRET_FILE holds the secret that all nodes share. Exits with 1 when a file has not got two copies.

local filo = require "filo"
local script = require "filo.script"

-- The policy: what to change for other rules.
local by_free_space = {
  name = "two copies by free space",
  quorum = 2,
  place = function(object, peers)
    local roomy = {}
    for _, peer in ipairs(peers) do
      if (peer.free or 0) > object.size then roomy[#roomy + 1] = peer end
    end
    table.sort(roomy, function(a, b) return a.free > b.free end)
    return roomy, 1 -- this is asked again, without it, when the first refuses
  end,
  accept = function(offer, _, usage)
    return offer.size <= usage.free // 2, "it would fill more than half of the free space here"
  end,
}

local root, peers = ...
if not arg[3] then script.usage "three arguments or more expected" end

local node <close>, err = filo.node {
  root = root, bootstrap = script.addresses(peers), cluster = script.secret(), policy = by_free_space,
}
if not node then script.fail("%s", err) end
node:ready()

local failed = false
for i = 3, #arg do
  local receipt
  receipt, err = node:store(arg[i], filo.file(arg[i]))
  if receipt then
    print(("%s: %s, copies at %s"):format(receipt.key, script.count(receipt.size, "byte", "bytes"), table.concat(receipt.copies, " and ")))
  else
    io.stderr:write(tostring(err), "\n")
    failed = true
  end
end
os.exit(not failed, true)
