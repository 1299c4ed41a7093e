#!/usr/bin/env filo
-- A read-only cache near its users: serves the objects of one identity over HTTP, keeps those used last, accepts nothing.
--
--   FILO_SECRET_FILE=secret filo scripts/edge-cache.lua ROOT IDENTITY PEERS HTTP [MIB]
--
--   ROOT      folder of the cache
--   IDENTITY  the owner's identity file (mode 0600), which alone can read the objects
--   PEERS     addresses of peers that hold copies, with commas between them
--   HTTP      where to serve GET requests, also for ranges: "127.0.0.1:8080"; the path is the key
--   MIB       room for cached objects; 1024 by default. What is cached is served as it is: peers are not asked for a newer version
--
-- The file in FILO_SECRET_FILE holds the secret that all nodes share. A peer talks to one node of an identity at a time.

local filo = require "filo"
local script = require "filo.script"

local root, identity, peers, address, mib = ...
if not address or arg[6] then script.usage "four or five arguments expected" end
local room = (tonumber(mib or 1024) or script.usage "MIB must be a number") * 2 ^ 20

local node <close>, err = filo.node {
  root = root, create = true, identity = identity, bootstrap = script.addresses(peers), cluster = script.secret(),
  policy = { name = "a cache", accept = function() return false, "this node is a read-only cache" end },
}
if not node then script.fail("%s", err) end

local cached = {} -- key -> {key, size, used}
for item in node:keys() do cached[item.key] = item.here and { key = item.key, size = item.size, used = 0 } or nil end
local function make_room()
  local items, bytes = {}, 0
  for _, item in pairs(cached) do items[#items + 1], bytes = item, bytes + item.size end
  table.sort(items, function(a, b) return a.used < b.used end)
  for _, item in ipairs(items) do
    if bytes <= room then break end
    local gone, problem = node:evict(item.key)
    if gone or problem.code ~= "not_enough_copies" then bytes, cached[item.key] = bytes - item.size, nil end -- else it is the last copy
  end
end

local function get(request)
  local key = request.parameters.key
  local object, why = node:get(key)
  if not object then return nil, why end
  cached[key] = { key = key, size = object.size, used = filo.now() }
  return { body = object, headers = { ["X-From"] = object.from } }
end

local server <close>, in_use = filo.http.serve(address, filo.http.routes { ["GET /{key...}"] = get })
if not server then script.fail("%s", in_use) end
io.stdout:write("serving http://", server.address, "\n"):flush()
filo.every(1, make_room)
server:wait()
