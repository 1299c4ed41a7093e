---Serving peers: taking copies that they offer, and giving out those that are here.

local copies = require "filo.node.copies"
local errors = require "filo.errors"
local protocol = require "filo.protocol"

---Copies that may be on their way in at once: in all, and from one peer. More are told to come back.
local MOST_LANDING, MOST_FROM_PEER = 16, 4
---Seconds between an offer and its bytes.
local OFFER_SECONDS = 30
---Objects that one peer may read at once.
local MOST_READS = 8

local serve = {}

---Asks the policy and the hooks whether a record may be stored here.
local function accept(node, record, peer)
  local fields, err = node.host.store.peek(record)
  if not fields then return nil, err end
  local offer = {
    namespace = fields.namespace, key_hash = fields.key_hash, size = fields.size, version = fields.version,
    tombstone = fields.tombstone,
  }
  local free, total = node.disk:space()
  local ok, accepted, reason = pcall(node.policy.accept, offer, peer, { free = free, total = total })
  if not ok then
    node.host.log("error", ("policy '%s': accept failed: %s"):format(node.policy.name, tostring(accepted)))
    return errors.fail("denied", "the policy failed")
  end
  if not accepted then return errors.fail("denied", "refused: " .. tostring(reason or node.policy.name)) end
  ok, err = node.hooks:allow("before_accept", offer, peer)
  if not ok then return nil, err.failed and errors.new("denied", "refused: a hook failed") or err end
  local path
  path, err = node:path_of(fields.key_hash)
  if not path then return nil, err end
  return fields, path
end

---A version that is here already counts as stored.
local function settled(err) return err.code == "exists" and {} or nil, err.code ~= "exists" and err or nil end

local function store(node, body, peer)
  local fields, path = accept(node, body.record, peer)
  if not fields then return nil, path end
  local partial <close>, err = node.disk:incoming(path, body.record, body.body)
  if not partial then return settled(err) end
  local ok
  ok, err = partial:publish()
  if not ok then return settled(err) end
  node.hooks:announce("accepted", fields, peer)
  return {}
end

local function release(node, landing)
  if node.landings[landing.record] ~= landing then return end
  node.landings[landing.record] = nil
  node.landing_count = node.landing_count - 1
  landing.peer.landings = landing.peer.landings - 1
  landing.partial:close()
end

local function too_many(node, peer)
  peer.landings = peer.landings or 0
  return node.landing_count >= MOST_LANDING or peer.landings >= MOST_FROM_PEER
end

local function offer(node, body, peer)
  local fields, path = accept(node, body.record, peer)
  if not fields then return nil, path end
  if node.landings[body.record] or too_many(node, peer) then return errors.fail("busy", "too many copies are on their way here") end
  local landing = { record = body.record, peer = peer, fields = fields }
  node.landings[body.record] = landing
  node.landing_count = node.landing_count + 1
  peer.landings = peer.landings + 1
  local partial, err = node.disk:incoming(path, body.record)
  if not partial then
    node.landings[body.record] = nil
    node.landing_count = node.landing_count - 1
    peer.landings = peer.landings - 1
    return settled(err)
  end
  landing.partial = partial
  node:spawn(function()
    node.host.sleep(OFFER_SECONDS)
    if not landing.filling then release(node, landing) end
  end)
  return { want = partial:missing(0), hashes = not partial:has_hashes() }
end

local function receive(landing, body, peer)
  if body.stream == 0 then return true end
  local transfer <close>, err = peer:receive_object(body.stream, landing.partial, body.hashes, body.first)
  if not transfer then return nil, err end
  return transfer:join()
end

local function fill(node, body, peer)
  local landing = node.landings[body.record]
  if not landing or landing.peer ~= peer or landing.filling then
    return errors.fail("invalid", "nothing of the kind was offered: offer it again")
  end
  landing.filling = true
  local _ <close> = setmetatable({}, { __close = function() release(node, landing) end })
  local ok, err = receive(landing, body, peer)
  if not ok then return nil, err end
  ok, err = landing.partial:publish()
  if not ok then return settled(err) end
  node.hooks:announce("accepted", landing.fields, peer)
  return {}
end

---Opens what a peer asks for; a copy that is bad is set aside and not spoken of.
local function open(node, body)
  local path = node:path_of(body.key_hash)
  if not path then return nil end
  local object, err = node.disk:object(body.namespace, path)
  if object then return object end
  if err.code == "corrupt" then copies.set_aside(node, body.namespace, path, err) end
  return nil
end

local function find(node, body)
  local path = node:path_of(body.key_hash)
  if not path then return {} end
  local fields, record, content = node.disk:sealed(body.namespace, path, protocol.INLINE_MAX)
  if fields then return { record = record, body = content } end
  if record.code == "corrupt" then copies.set_aside(node, body.namespace, path, record) end
  return {}
end

local function read(node, body, peer)
  peer.reads = (peer.reads or 0)
  if peer.reads >= MOST_READS then return errors.fail("busy", "too many reads at once") end
  local object = open(node, body)
  if not object or object:fields().version ~= body.version then
    return errors.fail("not_found", "that version is not here")
  end
  local transfer, err = peer:send_object(object, body.hashes, body.first, body.count)
  if not transfer then return nil, err end
  peer.reads = peer.reads + 1
  node:spawn(function()
    local _ <close> = object
    local _ <close> = transfer
    local _ <close> = setmetatable({}, { __close = function() peer.reads = peer.reads - 1 end })
    transfer:join()
  end)
  return { stream = transfer:number() }
end

---A peer found our copy bad: looks, once at a time for each.
local function check(node, body)
  local path = node:path_of(body.key_hash)
  local name = body.namespace .. body.key_hash
  if not path or node.checking[name] then return {} end
  node.checking[name] = true
  node:spawn(function()
    local _ <close> = setmetatable({}, { __close = function() node.checking[name] = nil end })
    copies.check(node, body.namespace, path)
  end)
  return {}
end

---Registers the handlers.
function serve.install(node)
  node.landings, node.landing_count, node.checking = {}, 0, {}
  for topic, handler in pairs { store = store, offer = offer, fill = fill, find = find, read = read, check = check } do
    node.peer_list:handle(topic, function(body, peer) return handler(node, body, peer) end)
  end
end

return serve
