---The node: one identity, one store, its peers, and the calls that a script makes on it.

local Object = require "filo.object"
local errors = require "filo.errors"
local fetch = require "filo.replication.fetch"
local find = require "filo.replication.find"
local new_hooks = require "filo.hooks"
local new_peers = require "filo.peers"
local place = require "filo.replication.place"
local protocol = require "filo.protocol"
local serve = require "filo.replication.serve"
local setup = require "filo.setup"
local source = require "filo.source"

local KEY_MAX = 4096
local CLOSE_SECONDS = 10

---@class filo.Node
---@field id string  node ID, 64 hex digits
---@field root string
---@field address? string  numeric address where it listens
local Node = {}
Node.__index = Node

---A task of the node: cancelled when the node closes.
function Node:spawn(fn, ...) return self.peer_list:spawn(fn, ...) end

-- Keys, places, metadata ------------------------------------------------------------------------------------------------

local function check_open(self, level)
  if self.closed then error("the node is closed", (level or 2) + 1) end
end

local function check_key(key, level)
  if type(key) ~= "string" then error("a key must be a string, not a " .. type(key), level + 1) end
  if #key == 0 or #key > KEY_MAX then
    return errors.fail("invalid", ("a key must have 1 to %d bytes; this one has %d"):format(KEY_MAX, #key))
  end
  return key
end

function Node:key_hash(key)
  local hash = self.options.hash_key
  if not hash then return self.host.crypto.hmac_sha256(self.name_key, key) end
  local given = hash(key)
  if type(given) ~= "string" or #given == 0 then error("option hash_key: the function must return a string", 0) end
  return #given == 32 and given or self.host.crypto.digest("sha256", given)
end

---Where an object lies below its namespace's folder.
---@return string?, filo.Error?
function Node:path_of(key_hash)
  local transform = self.options.path
  if type(transform) ~= "function" then
    return self.host.store.cas_path(transform.digest, transform.width, transform.depth, key_hash)
  end
  local path = transform(self.host.crypto.hex(key_hash))
  if type(path) ~= "string" then error("option path: the function must return a string", 0) end
  local ok, err = self.host.store.check_path(path)
  if not ok then return nil, errors.wrap(err, "the path function's result cannot be used") end
  return path
end

---Checks all of a copy here; a bad one is set aside.
---@return true?, filo.Error?
function Node:check_copy(namespace, path)
  local object <close>, err = self.disk:object(namespace, path)
  local ok = object ~= nil
  local chunks = ok and (object:fields().size + (1 << 20) - 1) >> 20 or 0
  for chunk = 0, chunks - 1 do
    ok, err = object:verify_chunk(chunk)
    if not ok then break end
  end
  if ok then return true end
  if err.code == "corrupt" then self:set_aside(namespace, path, err, object) end
  return nil, err
end

---Sets a bad copy aside and says so. With `object`, only the very file that it has open: a newer version may have come.
function Node:set_aside(namespace, path, err, object)
  self.host.log("error", ("a copy here is bad and was set aside: %s"):format(tostring(err)))
  if object then object:set_aside(path) else self.disk:set_aside(namespace, path) end
  self.hooks:announce("corrupt", { namespace = namespace, path = path }, nil, err)
end

local function locate(self, key)
  local ok, err = check_key(key, 3)
  if not ok then return nil, err end
  local hash = self:key_hash(key)
  local path
  path, err = self:path_of(hash)
  if not path then return nil, err end
  return hash, path
end

local function encode_meta(self, meta) return self.host.encode(meta) end

---The content key and metadata of a record of ours.
local function unseal(self, record)
  local content_key, meta = self.host.store.unseal(self.identity, record)
  if not content_key then return nil, meta end
  local decoded, err = self.host.decode(meta)
  if not decoded then return nil, err end
  return content_key, decoded
end

local function describe(fields, meta, from)
  return {
    key = meta.name, size = fields.size, version = fields.version, modified = meta.modified, fields = meta.fields,
    encrypted = not fields.plain, from = from,
  }
end

---One writer at a time for each key, so that versions follow one another.
local function lock(self, hash)
  while self.writing[hash] do
    table.insert(self.writing[hash], self.host.current())
    self.host.suspend()
  end
  self.writing[hash] = {}
  return setmetatable({}, { __close = function()
    local waiting = self.writing[hash]
    self.writing[hash] = nil
    for _, each in ipairs(waiting) do self.host.wake(each) end
  end })
end

local function next_version(self, path)
  local version = self.host.time()
  local existing = self.disk:stat(self.namespace, path)
  if existing and existing.version >= version then version = existing.version + 1 end
  return version
end

-- Storing ---------------------------------------------------------------------------------------------------------------

---What copies are made from: the very file just published, which a newer version may replace meanwhile. A small one whole.
local function open_version(self, version, size)
  local opened, err
  if self.peer_list:count() == 0 then return version end
  if size <= protocol.INLINE_MAX then
    opened, err, version.body = self.disk:sealed(self.namespace, version.path, size)
  else
    opened, err = self.disk:object(self.namespace, version.path)
    version.object = opened
  end
  if opened then return version end
  return nil, errors.wrap(err, ("'%s' is stored here, but no copies can be made of it"):format(version.info.key))
end

local function publish(self, deposit, key, meta, size)
  local hash, path = locate(self, key)
  if not hash then return nil, path end
  local _ <close> = lock(self, hash)
  local version = next_version(self, path)
  local record, err = deposit:publish(self.identity, hash, version, encode_meta(self, meta), path)
  if not record then return nil, errors.wrap(err, ("cannot store '%s'"):format(key), { key = key }) end
  return open_version(self, {
    record = record, version = version, path = path,
    info = { key = key, key_hash = hash, namespace = self.namespace, version = version, size = size },
    receipt = { key = key, version = version, size = size, copies = { self.id }, pending = {}, refused = {} },
  }, size)
end

local function spread(self, version)
  local receipt, err = place.spread(self, version)
  self.hooks:announce("stored", version.info, version.receipt)
  return receipt, err
end

---Stores content under a key: sealed and published here, then copied to peers as the policy says.
---@param key string?  1 to 4096 bytes; nil: the SHA-256 of the content, in hex
---@param content string|function|filo.File|file*  bytes; a function that gives pieces and then nil; filo.file(path); an open file
---@param given? {fields?: table, encrypt?: boolean}  the user's own fields, kept sealed; encrypt = false stores public data as it is
---@return filo.Receipt?, filo.Error?
function Node:store(key, content, given)
  check_open(self)
  given = setup.check_store_options(given)
  local ok, err = pcall(self.host.encode, given.fields)
  if not ok then error("store: option 'fields': " .. tostring(err), 2) end
  if key ~= nil then ok, err = check_key(key, 2) end
  if not ok then return nil, err end
  ok, err = self.hooks:allow("before_store", { key = key, fields = given.fields })
  if not ok then return nil, err end
  local plain = given.encrypt == false or (given.encrypt == nil and not self.options.encrypt)
  local deposit <close>, modified = source.deposit(self.disk, content, plain, key == nil)
  if not deposit then return nil, errors.wrap(modified, ("cannot store '%s'"):format(key or "content"), { key = key }) end
  local size, digest = deposit:finish()
  if not size then return nil, errors.wrap(digest, ("cannot store '%s'"):format(key or "content"), { key = key }) end
  key = key or self.host.crypto.hex(digest)
  local meta = { name = key, modified = modified or self.host.time() // 1000000, fields = given.fields }
  local version, problem = publish(self, deposit, key, meta, size)
  if not version then return nil, problem end
  return spread(self, version)
end

local function wake_all(self, waiting)
  while waiting[1] do self.host.wake(table.remove(waiting)) end
end

-- Getting ---------------------------------------------------------------------------------------------------------------

local function not_found(err, key)
  if err.code ~= "deleted" then return nil, err end
  return errors.fail("not_found", ("'%s' was deleted"):format(key), { key = key })
end

---An object for the script. What was handed out is closed with the node, since it keeps the root locked.
local function hand_out(self, opened, info, heal)
  local object = Object(opened, info, heal)
  self.handed_out[object] = true
  return object
end

---Fetches in the background what a partial lacks, and publishes it here.
local function complete(self, found, partial)
  self:spawn(function()
    local why = errors.new("closed", "the node was closed while it fetched this")
    local _ <close> = partial
    local _ <close> = setmetatable({}, { __close = function()
      if why then partial:fail(why.code, tostring(why)) end
      self.fetching[found.record] = nil
      wake_all(self, self.fetch_waiters)
    end })
    local ok, err = true, nil
    if not found.body then ok, err = fetch.run(self, found, partial) end
    if ok then
      ok, err = partial:publish()
      ok = ok or err.code == "exists"
    end
    why = not ok and err or nil
    if why then self.host.log("warning", "a copy could not be completed here: " .. tostring(why)) end
  end)
end

---A partial to fill: one that some reader of an earlier, failed fetch still holds, or a new one.
function Node:open_partial(path, record, body)
  local held = self.partials[record]
  local shared, partial = pcall(function() return held:share() end)
  if shared then
    partial:retry()
    return partial
  end
  local err
  partial, err = self.disk:incoming(path, record, body)
  self.partials[record] = partial
  return partial, err
end

---What was found, as something to read from: the same for all who get it at once.
local function open_found(self, found, path)
  local _ <close> = lock(self, found.record)
  local running = self.fetching[found.record]
  if running then return running:share() end
  local partial, err = self:open_partial(path, found.record, found.body)
  if not partial and err.code == "exists" then return self.disk:object(self.namespace, path) end
  if not partial then return nil, err end
  local own = partial:share()
  self.fetching[found.record] = own
  complete(self, found, own)
  return partial
end

---Another source of a version whose copy here is bad.
local function find_again(self, key, path, fields, content_key)
  local found = find.newest(self, self.namespace, fields.key_hash, key)
  if not found or found.fields.root ~= fields.root or found.fields.version ~= fields.version then return nil end
  local opened = open_found(self, found, path)
  if opened then opened:set_key(content_key) end
  return opened
end

---A copy here, opened: nil when there is none, or it is bad (then it is set aside) or a tombstone.
local function open_here(self, key, path)
  local object, err = self.disk:object(self.namespace, path)
  if not object then
    if err.code == "corrupt" then self:set_aside(self.namespace, path, err) end
    return nil, err
  end
  local fields = object:fields()
  if fields.tombstone then
    object:close()
    return errors.fail("deleted", ("'%s' was deleted"):format(key), { key = key })
  end
  local content_key, meta = unseal(self, object:record())
  if not content_key then return nil, meta end
  object:set_key(content_key)
  return hand_out(self, object, describe(fields, meta, "here"), function(problem)
    self:set_aside(self.namespace, path, problem, object)
    return find_again(self, key, path, fields, content_key)
  end)
end

local function keep_tombstone(self, found, path)
  local partial <close> = self.disk:incoming(path, found.record, found.body or "")
  if partial then partial:publish() end
end

local function get_from_peers(self, key, hash, path)
  local found, err = find.newest(self, self.namespace, hash, key)
  if not found then return nil, err end
  if found.fields.tombstone then
    keep_tombstone(self, found, path)
    return errors.fail("not_found", ("'%s' was deleted"):format(key), { key = key })
  end
  local content_key, meta = unseal(self, found.record)
  if not content_key then return nil, meta end
  local opened
  opened, err = open_found(self, found, path)
  if not opened then return nil, errors.wrap(err, ("cannot get '%s'"):format(key), { key = key }) end
  opened:set_key(content_key)
  return hand_out(self, opened, describe(found.fields, meta, "peers"))
end

---Opens an object for reading: the copy here, or one that is fetched from peers, from several at once. A fetched copy is kept here;
---reading may start before its last byte has come.
---@param key string
---@return filo.Object?, filo.Error?
function Node:get(key)
  check_open(self)
  local hash, path = locate(self, key)
  if not hash then return nil, path end
  local object, err = open_here(self, key, path)
  if object then return object end
  if err.code ~= "not_found" and err.code ~= "corrupt" then return not_found(err, key) end
  return get_from_peers(self, key, hash, path)
end

---What is known of an object without its content: key, size, version, modified, fields, encrypted, from ("here" or "peers").
---@param key string
---@return table?, filo.Error?
function Node:stat(key)
  check_open(self)
  local hash, path = locate(self, key)
  if not hash then return nil, path end
  local fields, record = self.disk:stat(self.namespace, path)
  local from = "here"
  if not fields then
    local found, err = find.newest(self, self.namespace, hash, key)
    if not found then return nil, err end
    fields, record, from = found.fields, found.record, "peers"
  end
  if fields.tombstone then return errors.fail("not_found", ("'%s' was deleted"):format(key), { key = key }) end
  local content_key, meta = unseal(self, record)
  if not content_key then return nil, meta end
  return describe(fields, meta, from)
end

---Whether there is such an object, here or at a connected peer.
---@param key string
---@return boolean
function Node:has(key)
  check_open(self)
  return check_key(key, 2) ~= nil and self:stat(key) ~= nil
end

-- Listing ---------------------------------------------------------------------------------------------------------------

local function list_item(self, entry, prefix)
  if entry.problem or entry.tombstone then return nil end
  local content_key, meta = unseal(self, entry.record)
  if not content_key or type(meta.name) ~= "string" or meta.name:sub(1, #prefix) ~= prefix then return nil end
  return describe(entry, meta, "here")
end

---The objects stored here whose key starts with prefix, in no order, for a `for` loop: as `stat` gives them.
---@param prefix? string
---@return fun(): table?
function Node:list(prefix)
  check_open(self)
  prefix = prefix or ""
  if type(prefix) ~= "string" then error("list: a prefix must be a string", 2) end
  local walk = assert(self.disk:walk(self.namespace))
  self.handed_out[walk] = true
  local batch, at = {}, 0
  local function next_item()
    while true do
      at = at + 1
      if not batch[at] then
        batch, at = assert(walk:next()), 1
        if not batch[1] then return nil end
      end
      local item = list_item(self, batch[at], prefix)
      if item then return item end
    end
  end
  return next_item, nil, nil, walk
end

-- Deleting --------------------------------------------------------------------------------------------------------------

---Deletes an object everywhere: a signed tombstone takes its place here and at every peer, and a node that was away cannot
---bring it back.
---@param key string
---@return filo.Receipt?, filo.Error?
function Node:delete(key)
  check_open(self)
  local hash, path = locate(self, key)
  if not hash then return nil, path end
  local known, err = self:stat(key)
  if not known then return nil, err end
  local ok
  ok, err = self.hooks:allow("before_delete", known)
  if not ok then return nil, err end
  local record, version
  do
    local _ <close> = lock(self, hash)
    version = next_version(self, path)
    record, err = self.disk:tombstone(self.identity, hash, version, encode_meta(self, { name = key }), path)
    if not record then return nil, errors.wrap(err, ("cannot delete '%s'"):format(key), { key = key }) end
  end
  local receipt = place.tell_all(self, { record = record, key = key, version = version })
  self.hooks:announce("deleted", known, receipt)
  return receipt
end

---Waits until no version of a key is being fetched.
local function wait_for_fetches(self, hash)
  for _, partial in pairs(self.fetching) do
    if partial:fields().key_hash == hash then
      table.insert(self.fetch_waiters, self.host.current())
      self.host.suspend()
      return wait_for_fetches(self, hash)
    end
  end
end

---Removes this node's own copy only, to free its space; the object stays at the peers.
---@param key string
---@return true?, filo.Error?
function Node:evict(key)
  check_open(self)
  local hash, path = locate(self, key)
  if not hash then return nil, path end
  wait_for_fetches(self, hash)
  local fields, err = self.disk:stat(self.namespace, path)
  if not fields then return nil, errors.wrap(err, ("cannot evict '%s'"):format(key), { key = key }) end
  if fields.tombstone then return errors.fail("not_found", ("'%s' was deleted"):format(key), { key = key }) end
  return self.disk:remove(self.namespace, path, fields.version)
end

---Checks the copy here against its hashes, chunk by chunk. A bad one is set aside.
---@param key string
---@return true?, filo.Error?
function Node:verify(key)
  check_open(self)
  local hash, path = locate(self, key)
  if not hash then return nil, path end
  local ok, err = self:check_copy(self.namespace, path)
  if ok then return true end
  return nil, errors.wrap(err, ("the copy of '%s' here is not good"):format(key), { key = key })
end

-- Peers -----------------------------------------------------------------------------------------------------------------

---The connected peers, in the order of their IDs.
---@return filo.Peer[]
function Node:peers()
  check_open(self)
  return self.peer_list:list()
end

---Connects to a node, once; `bootstrap` addresses are redialled, this one is not.
---@param address string  "host:port"
---@return filo.Peer?, filo.Error?
function Node:connect(address)
  check_open(self)
  return self.peer_list:connect(address)
end

---Answers requests of a topic from peers: fn(body, peer) gives the answer, or nil, err. Filo's own topics cannot be taken.
---@param topic string
---@param fn fun(body: any, peer: filo.Peer): any, filo.Error?
function Node:handle(topic, fn)
  check_open(self)
  setup.check_topic(topic)
  if fn ~= nil and type(fn) ~= "function" then error("handle: a function expected", 2) end
  self.peer_list:handle(topic, fn)
end

---Asks a peer and waits for the answer.
---@param peer filo.Peer|string  a peer or its node ID
---@param topic string
---@param body any  nil, boolean, number, string, or a table of these
---@param seconds? number  deadline, 30 by default
---@return any, filo.Error?
function Node:request(peer, topic, body, seconds)
  check_open(self)
  setup.check_topic(topic)
  local found = type(peer) == "string" and self.peer_list:get(peer) or peer
  if type(found) ~= "table" then return errors.fail("unreachable", ("node %s is not connected"):format(tostring(peer)), { peer = peer }) end
  return found:request(topic, body, seconds)
end

---Asks all connected peers at once. Gives a table from node ID to {answer = any, error = err or nil}.
---@param topic string
---@param body any
---@param seconds? number
---@return table<string, {answer: any, error: filo.Error?}>
function Node:broadcast(topic, body, seconds)
  check_open(self)
  setup.check_topic(topic)
  local results, tasks = {}, {}
  for i, peer in ipairs(self.peer_list:list()) do
    tasks[i] = self.host.spawn_child(function()
      local answer, err = peer:request(topic, body, seconds)
      results[peer.id] = { answer = answer, error = err }
    end)
  end
  for _, each in ipairs(tasks) do each:join() end
  return results
end

---Calls fn when something happens; hooks named before_... may return false and a reason to refuse it. Returns a function that
---removes the hook. Names: before_store, stored, copied, before_accept, accepted, before_delete, deleted, peer_up, peer_down, corrupt.
---@param name string
---@param fn function
---@param priority? number  higher is called earlier; 0 by default
---@return function
function Node:on(name, fn, priority)
  check_open(self)
  if type(fn) ~= "function" then error("on: a function expected", 2) end
  return self.hooks:add(name, fn, priority)
end

---Waits until every bootstrap address was tried once, whether it could be reached or not. A script that stores something as soon
---as it starts calls this first, so that there are peers to hold copies.
---@param seconds? number  at most that long; 10 by default
---@return integer  peers that are connected
function Node:ready(seconds)
  check_open(self)
  self.peer_list:wait_ready(seconds or 10)
  return self.peer_list:count()
end

---Waits until the node is closed: the last line of a script that only serves.
function Node:wait()
  while not self.closed do
    table.insert(self.waiting, self.host.current())
    self.host.suspend()
  end
end

---What works on the disk ends what it does, and only then the root is free.
local function wait_for_disk(self)
  local deadline = self.host.now() + CLOSE_SECONDS
  while self.disk:in_use() and self.host.now() < deadline do self.host.sleep(0.005) end
end

---Ends all connections and tasks, and gives the root free. Idempotent; also done by `local node <close>`.
function Node:close()
  if self.closed then return end
  self.closed = true
  if self.listener then self.listener:close() end
  self.peer_list:close()
  for _, landing in pairs(self.landings) do
    if landing.partial then landing.partial:close() end
  end
  for each in pairs(self.handed_out) do each:close() end
  pcall(wait_for_disk, self) -- waiting may be impossible: then the process is ending
  self.disk:close()
  if self.tls then self.tls:close() end
  wake_all(self, self.waiting)
end

Node.__close = Node.close

function Node:__tostring() return ("node %s at %s"):format(self.id:sub(1, 16), self.address or "no address") end

-- Making ----------------------------------------------------------------------------------------------------------------

---Makes a node from options (see lua/README.md) and starts it. A failure of the world gives nil, err.
---@param host filo.Host
---@param given table
---@return filo.Node?, filo.Error?
return function(host, given)
  local options = setup.check_node_options(given, 3)
  local parts, err = setup.open(host, options)
  if not parts then return nil, err end
  local self = setmetatable(parts, Node)
  self.options, self.policy = options, options.policy
  self.writing, self.fetching, self.fetch_waiters, self.waiting, self.closed = {}, {}, {}, {}, false
  self.partials, self.handed_out = setmetatable({}, { __mode = "v" }), setmetatable({}, { __mode = "k" })
  self.hooks = new_hooks(self.host)
  self.peer_list = new_peers(self.host, setup.peer_settings(self))
  serve.install(self)
  if self.listener then self.peer_list:listen(self.listener) end
  for _, address in ipairs(options.bootstrap) do self.peer_list:bootstrap(address) end
  host.opened(self)
  return self
end
