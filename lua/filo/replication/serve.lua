---Serving peers: taking copies that they offer, and giving out those that are here.

local at_end = require "filo.host.at_end"
local chunks = require "filo.copies.chunks"
local copies = require "filo.copies.verify"
local errors = require "filo.base.errors"
local landings = require "filo.copies.landings"

local new_progress = require "filo.host.progress"

local serve = {}

-- What a peer is told -------------------------------------------------------------------------------------------------

---Of a failure of the store a peer is told the kind. The sentence, with paths of this machine, is for the log here.
local TOLD = {
  no_space = "there is no room for it",
  busy = "this version is on its way here already",
  corrupt = "what came does not match the record",
  timeout = "the bytes stopped coming",
  closed = "the stream was given up",
  cancelled = "the stream was given up",
  protocol = "the stream ended before the copy was whole",
}
local OF_THE_PEER = { busy = true, corrupt = true, timeout = true, closed = true, cancelled = true, protocol = true }

local function failed(node, peer, err)
  if not OF_THE_PEER[err.code] then
    node.peer_list.report("warning", peer.id, "not kept " .. err.code, "a peer's copy could not be kept: " .. tostring(err))
  end
  return errors.fail(err.code, TOLD[err.code] or "it could not be kept")
end

---What the store's refusal of a record means for the peer: done when that very record is here, else it is told which one is.
local function settled(node, peer, path, fields, record, err)
  if err.code ~= "exists" then return failed(node, peer, err) end
  local _, here = node.disk:stat(fields.namespace, path)
  if here == record then return {} end
  if type(here) == "string" then return { record = here } end
  return errors.fail("busy", "what is here has just changed")
end

-- Taking copies -------------------------------------------------------------------------------------------------------

local function ask_policy(node, offer, peer)
  local free, total = node.disk:space()
  local ok, accepted, reason = errors.try(node.policy.accept, offer, peer, { free = free, total = total })
  if not ok then
    local message = ("policy '%s': accept failed: %s"):format(node.policy.name, tostring(accepted))
    node.peer_list.report("error", peer.id, "policy", message)
    return errors.fail("denied", "refused: the policy failed")
  end
  if not accepted then return errors.fail("denied", "refused: " .. tostring(reason or node.policy.name)) end
  return true
end

---Asks the policy and the hooks whether a record may be stored here. Gives its fields and the path.
local function accept(node, record, peer)
  local fields, err = node.host.store.peek(record)
  if not fields then return nil, err end
  local offer = {
    namespace = fields.namespace, key_hash = fields.key_hash, size = fields.size, version = fields.version,
    tombstone = fields.tombstone,
  }
  local ok
  ok, err = ask_policy(node, offer, peer)
  if not ok then return nil, err end
  ok, err = node.hooks:allow("before_accept", offer, peer)
  if not ok then return nil, err.failed and errors.new("denied", "refused: a hook failed") or err end
  local path
  path, err = node:path_of(fields.key_hash)
  if not path then return failed(node, peer, err) end
  return fields, path
end

local function store(node, body, peer)
  local fields, path = accept(node, body.record, peer)
  if not fields then return nil, path end
  local partial <close>, err = node.disk:incoming(path, body.record, body.body)
  if not partial then return settled(node, peer, path, fields, body.record, err) end
  local ok
  ok, err = partial:publish()
  if not ok then return settled(node, peer, path, fields, body.record, err) end
  node.hooks:announce("accepted", fields, peer)
  return {}
end

local function offer(node, body, peer)
  local fields, path = accept(node, body.record, peer)
  if not fields then return nil, path end
  local ok, err = node.host.store.parse(body.record) -- its size is believed from here on
  if not ok then return nil, err end
  local landing
  landing, err = landings.take(node, body.record, fields, path, peer)
  if not landing then return nil, err end
  local kept = false
  local _ <close> = at_end(function() if not kept then landings.release(node, landing) end end)
  landing.partial, err = node.disk:incoming(path, body.record)
  if not landing.partial then return settled(node, peer, path, fields, body.record, err) end
  kept = true
  node:spawn(function()
    peer:wait_gone(node.host.limits.offer)
    if not landing.filling then landings.release(node, landing) end
  end)
  return { want = landing.partial:missing(0), hashes = not landing.partial:has_hashes() }
end

---Takes the bytes of a copy. A peer that sends next to none is given up, since others wait for the place.
local function receive(host, landing, body, peer)
  local size, limits = landing.fields.size, host.limits
  if body.stream == 0 then
    if landing.partial:missing(0) >= chunks.count(host, size) then return true end
    return errors.fail("protocol", "nothing of it was sent")
  end
  local transfer <close>, err = peer:receive_object(body.stream, landing.partial, body.hashes, body.first)
  if not transfer then return nil, err end
  landing.transfer = transfer
  local _ <close> = at_end(function() landing.transfer = nil end)
  local progress = new_progress(host, function() return transfer:bytes() end)
  local total = chunks.bytes_of(host, size, body.hashes, body.first)
  local ok, problem
  progress:wait(total, limits.send_stall, nil, function(seconds) -- once all bytes are here, only the disk is waited for
    ok, problem = transfer:join(seconds)
    return ok or landing.ended or problem.code ~= "timeout"
  end)
  return ok, problem
end

local function fill(node, body, peer)
  local landing = node.landings[body.record]
  if not landing or landing.peer ~= peer or landing.filling then
    return errors.fail("busy", "nothing of the kind is awaited, or not any more: offer it again")
  end
  landing.filling = true
  local _ <close> = at_end(function() landings.release(node, landing) end)
  local ok, err = receive(node.host, landing, body, peer)
  if landing.ended then return errors.fail("busy", "others wait for the place: offer it again") end
  if not ok then return failed(node, peer, err) end
  ok, err = landing.partial:publish()
  if not ok then return settled(node, peer, landing.path, landing.fields, body.record, err) end
  node.hooks:announce("accepted", landing.fields, peer)
  return {}
end

-- Giving out ----------------------------------------------------------------------------------------------------------

local function find(node, body)
  local path = node:path_of(body.key_hash)
  if not path then return {} end
  local fields, record, content, verified = node.disk:sealed(body.namespace, path, node.host.limits.inline)
  if fields then return { record = record, body = content, verified = verified } end
  if record.code == "corrupt" then copies.set_aside(node, body.namespace, path, record) end
  return {}
end

---Opens the version that a peer asks for; a copy that is bad is set aside and not spoken of.
local function open(node, body)
  local path = node:path_of(body.key_hash)
  if not path then return nil end
  local object, err = node.disk:object(body.namespace, path)
  if object and object:fields().version == body.version then return object end
  if object then object:close() end
  if not object and err.code == "corrupt" then copies.set_aside(node, body.namespace, path, err) end
  return nil
end

---Sends what a peer asks for, in a task that owns what is open for it, and that tells first which stream it is.
local function read(node, body, peer)
  peer.reads = peer.reads or 0
  if peer.reads >= node.host.limits.reads_of_peer then return errors.fail("busy", "too many reads at once") end
  peer.reads = peer.reads + 1
  local started = node.host.channel(1)
  node:spawn(function()
    local _ <close> = at_end(function()
      peer.reads = peer.reads - 1
      started:close()
    end)
    local object <close> = open(node, body)
    local transfer <close> = object and peer:send_object(object, body.hashes, body.first, body.count)
    if not transfer then return end
    started:send(transfer:number())
    transfer:join()
  end)
  local number = started:receive()
  if number then return { stream = number } end
  return errors.fail("not_found", "that version is not here")
end

---A peer found our copy bad: looks, once at a time for each, and at a few at a time.
local function check(node, body)
  local path = node:path_of(body.key_hash)
  local name = body.namespace .. body.key_hash
  if not path or node.checking[name] or node.checks >= node.host.limits.checks then return {} end
  node.checking[name], node.checks = true, node.checks + 1
  node:spawn(function()
    local _ <close> = at_end(function() node.checking[name], node.checks = nil, node.checks - 1 end)
    copies.check(node, body.namespace, path)
  end)
  return {}
end

---Registers the handlers.
function serve.install(node)
  node.landings, node.checking, node.checks = {}, {}, 0
  for topic, handler in pairs { store = store, offer = offer, fill = fill, find = find, read = read, check = check } do
    node.peer_list:handle(topic, function(body, peer) return handler(node, body, peer) end)
  end
end

return serve
