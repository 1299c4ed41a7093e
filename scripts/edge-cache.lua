#!/usr/bin/env filo
-- A read-only cache near its users: serves the objects of one identity over HTTP, keeps those used last, accepts nothing.
--
--   FILO_SECRET_FILE=secret filo scripts/edge-cache.lua ROOT IDENTITY PEERS HTTP [MIB]
--
--   ROOT      folder of the cache
--   IDENTITY  the owner's identity file (mode 0600), which alone can read the objects
--   PEERS     addresses of peers that hold copies, with commas between them
--   HTTP      where to serve GET requests: "127.0.0.1:8080"; the path is the key
--   MIB       room for cached objects; 1024 by default. What is cached is served as it is: peers are not asked for a newer version
--
-- The file in FILO_SECRET_FILE holds the secret that all nodes share. A peer talks to one node of an identity at a time.

local filo = require "filo"
local script = require "filo.script"

local root, identity, peers, http, mib = ...
if not http or arg[6] then script.usage "four or five arguments expected" end
local room = (tonumber(mib or 1024) or script.usage "MIB must be a number") * 2 ^ 20

local listener, in_use = filo.listen(http)
local node <close>, err = filo.node {
  root = root, create = true, identity = identity, bootstrap = script.addresses(peers), cluster = script.secret(),
  policy = { name = "a cache", accept = function() return false, "this node is a read-only cache" end },
}
if not listener or not node then script.fail("%s", in_use or err) end

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

local function reply(connection, ...) -- nil: the client has gone, or takes nothing
  return filo.timeout(30, function(bytes) return connection:write(bytes) and connection:flush() end, string.format(...))
end
local function answer(connection)
  local _ <close> = connection
  local method, path = (connection:read("l", 30) or ""):match "^(%u+) /(%S*) HTTP/1"
  repeat until (connection:read("l", 30) or ""):match "^%s*$" -- the headers
  if method ~= "GET" then return reply(connection, "HTTP/1.0 405 Only GET\r\n\r\n") end
  local key = path:gsub("%%(%x%x)", function(digits) return string.char(tonumber(digits, 16)) end)
  local object <close>, why = node:get(key)
  if not object then return reply(connection, "HTTP/1.0 404 Not found\r\n\r\n%s\n", why) end
  cached[key] = { key = key, size = object.size, used = filo.now() }
  reply(connection, "HTTP/1.0 200 OK\r\nContent-Length: %d\r\nX-From: %s\r\n\r\n", object.size, object.from)
  for piece in object:chunks() do if not reply(connection, "%s", piece) then break end end
  make_room()
end

io.stdout:write("serving http://", listener:address(), "\n"):flush()
while true do filo.spawn(answer, assert(listener:accept())) end
