---`GET /events`: what happens in the node, as server-sent events (WHATWG HTML, section 9.2), for who has a key, or a session of the page.
---Objects are told of to those keys that open them, all else to those that open everything.

local access = require "filo.command.web.access"
local filo = require "filo"
local json = require "filo.base.json"

---What a client may be behind before it is let go, and how many there may be.
local QUEUE_MOST, CLIENTS_MOST = 1000, 64

---Seconds without an event until a line says that the connection lives.
local PULSE = 15

---What is told of what a hook is given; `key` stands for an object.
local TOLD = {
  stored = function(object, receipt)
    return { key = object.key, version = object.version, size = object.size, class = object.class, copies = receipt.copies }
  end,
  copied = function(object, peer) return { key = object.key, version = object.version, peer = peer.id } end,
  deleted = function(item, receipt) return { key = item.key, copies = receipt.copies } end,
  accepted = function(offer, peer) return { size = offer.size, deletion = offer.tombstone, peer = peer.id } end,
  conflict = function(found) return { key = found.key, kept = found.kept, version = found.version } end,
  peer_up = function(peer) return { peer = peer.id, address = peer.address } end,
  peer_down = function(peer, err) return { peer = peer.id, address = peer.address, error = { code = err.code, message = err.message } } end,
  member_away = function(member) return { member = member.id, name = member.name, zone = member.zone } end,
  member_back = function(member) return { member = member.id, name = member.name, zone = member.zone } end,
  missing = function(report) return { objects = report.objects, made = report.made, short = report.short } end,
  repaired = function(copy, peer) return { version = copy.version, size = copy.size, peer = peer.id } end,
  dropped = function(copy, peer) return { version = copy.version, size = copy.size, peer = peer and peer.id } end,
  corrupt = function(bad, peer, err)
    return { key = bad.key, version = bad.version, peer = peer and peer.id, error = { code = err.code, message = err.message } }
  end,
  scrubbed = function(report) return { objects = report.objects, bytes = report.bytes, bad = report.bad, healed = report.healed } end,
  quota = function(refused, peer) return { what = refused.what, owner = refused.owner, size = refused.size, peer = peer.id } end,
}

---@class filo.EventClient
---@field key filo.HttpKey
---@field queue string[]
---@field over? boolean  it was too slow
---@field asked number  when it asked for more, on filo.now
---@field known number  the same: when it was known to have a key or session

---@param clients table<filo.EventClient, true>
local function publish(clients, news, name, data)
  local text = ("event: %s\ndata: %s\n\n"):format(name, json.encode(data))
  for client in pairs(clients) do
    if access.allows(client.key, data.key or "", false) then table.insert(client.queue, text) end
    if #client.queue > QUEUE_MOST then
      client.over = true
      clients[client] = nil
    end
  end
  news:notify()
end

---Whether a client still may listen, which is looked at now and then: keys are revoked, and sessions end.
local function is_known(client, guard, request)
  if filo.now() - client.known < PULSE then return true end
  client.known = filo.now()
  return guard:key(request) ~= nil
end

---Gives what has come since it was called last, and waits for that.
local function pieces_of(client, news, guard, request)
  return function()
    client.asked = filo.now()
    if not is_known(client, guard, request) then return nil end
    news:wait_for(function() return client.over or client.queue[1] end, PULSE)
    if client.over then return nil end
    local text = table.concat(client.queue)
    client.queue = {}
    return text ~= "" and text or ": it is quiet\n\n"
  end
end

---Drops who has gone: nobody asks any more.
---@return integer  how many there are
local function count(clients)
  local n, oldest = 0, filo.now() - 4 * PULSE
  for client in pairs(clients) do
    if client.asked < oldest then clients[client] = nil else n = n + 1 end
  end
  return n
end

---@param node filo.Node
---@param guard filo.Guard
---@return fun(request: filo.http.Request): any
return function(node, guard)
  local clients, news = {}, filo.condition()
  for name, tell in pairs(TOLD) do
    node:on(name, function(...) publish(clients, news, name, tell(...)) end)
  end
  return function(request)
    local key = guard:key(request)
    if not key then return guard:unknown(request) end
    if count(clients) >= CLIENTS_MOST then return { status = 503, body = "too many are listening already\n" } end
    local client = { key = key, queue = { ": it begins\n\n" }, asked = filo.now(), known = filo.now() }
    clients[client] = true
    return {
      headers = { ["Content-Type"] = "text/event-stream", ["Cache-Control"] = "no-store", ["X-Accel-Buffering"] = "no" },
      body = pieces_of(client, news, guard, request),
    }
  end
end
