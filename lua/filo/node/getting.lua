---Getting: the copy here, or one that is fetched from peers and kept; all who get one version at once share its fetch.

local Object = require "filo.node.object"
local activity = require "filo.node.activity"
local at_end = require "filo.host.at_end"
local chunks = require "filo.copies.chunks"
local copies = require "filo.copies.verify"
local errors = require "filo.base.errors"
local fetch = require "filo.replication.fetch"
local find = require "filo.replication.find"
local names = require "filo.copies.names"
local tombstones = require "filo.replication.tombstones"

local getting = {}

---So many versions may come between looking here and asking peers.
local TRIES = 10

---An object for the script. What was handed out is closed with the node, since it keeps the root locked.
local function hand_out(node, opened, info, heal)
  local object = Object(opened, info, heal)
  node.handed_out[object] = true
  return object
end

---Fetches what a partial lacks. When the node is closed meanwhile, what is whole already counts.
local function fill(node, found, partial)
  local called, ok, err = pcall(fetch.run, node, found, partial)
  if called then return ok, err end
  if fetch.is_whole(node, found, partial) then return true end
  error(ok, 0)
end

---Fetches in the background what a partial lacks, and publishes it here.
local function complete(node, found, partial, key)
  node:spawn(function()
    local size = found.fields.size
    local _ <close> = activity.begin(node, "fetch", { key = key, size = size },
      function() return chunks.before(node.host, size, partial:missing(0)) end)
    local why = errors.new("closed", "the node was closed while it fetched this")
    local _ <close> = partial
    local _ <close> = at_end(function()
      if why then partial:fail(why.code, tostring(why)) end
      node.fetching[found.record] = nil
      node.fetches_end:wake()
    end)
    local ok, err = true, nil
    if not found.body then ok, err = fill(node, found, partial) end
    if ok then
      ok, err = partial:publish()
      ok = ok or err.code == "exists"
    end
    why = not ok and err or nil
    if why then node.host.log("warning", "a copy could not be completed here: " .. tostring(why)) end
  end)
end

---A partial to fill: one that some reader of an earlier, failed fetch still holds, or a new one.
local function open_partial(node, path, record, body, beside)
  local held = node.partials[record]
  local shared, partial = pcall(function() return held:share() end)
  if shared then
    partial:retry()
    return partial
  end
  local err
  partial, err = node.disk:incoming(path, record, body, beside)
  node.partials[record] = partial
  return partial, err
end

---The version that is here already, unless it is another by now: then nil and "exists".
local function open_published(node, found, path)
  local object, err = node.disk:object(node.namespace, path)
  if not object or object:record() == found.record then return object, err end
  object:close()
  return errors.fail("exists", "another version is here by now")
end

---What was found, as something to read from: the same for all who get it at once. beside: what lies at the path cannot be read.
local function open_found(node, found, name, beside)
  local path = name.path
  local _ <close> = node.locks:take(found.record)
  local running = node.fetching[found.record]
  if running then return running:share() end
  local partial, err = open_partial(node, path, found.record, found.body, beside)
  if not partial and err.code == "exists" then return open_published(node, found, path) end
  if not partial then return nil, err end
  local own = partial:share()
  node.fetching[found.record] = own
  complete(node, found, own, name.key)
  return partial
end

---Keeps a tombstone that a peer had, and tells those who may not know it.
local function keep_tombstone(node, found, name)
  local partial <close> = node.disk:incoming(name.path, found.record, found.body or "")
  if not partial or not partial:publish() then return end
  node:spawn(tombstones.tell_all, node, {
    record = found.record, version = found.fields.version, path = name.path, key_hash = name.hash, key = name.key,
  })
end

---What a peer that answered late has: it takes the place of the older version that was handed out, and perhaps kept, before.
local function keep_later(node, name, found)
  if found.fields.tombstone then return keep_tombstone(node, found, name) end
  local _ <close> = open_found(node, found, name)
end

---Failures of the copy here that are none of those at peers. It stays as it is: it may be good, and newer than these.
local UNREADABLE = { io = true, denied = true, unsupported = true }

local function warn_unreadable(node, name, err)
  node.host.log("warning", ("the copy of '%s' here cannot be read, and peers are asked: %s"):format(name.key, tostring(err)))
end

---Another source of a version whose copy here is bad, or (then it stays) cannot be read.
local function find_again(node, name, fields, content_key, stays)
  local found = find.newest(node, node.namespace, name, function(later) keep_later(node, name, later) end)
  if not found or found.fields.root ~= fields.root or found.fields.version ~= fields.version then return nil end
  local opened = open_found(node, found, name, stays)
  if opened then opened:set_key(content_key) end
  return opened
end

---A copy here, opened: nil when there is none, or it is bad (then it is set aside) or a tombstone ("deleted").
local function open_here(node, name)
  local object, err = node.disk:object(node.namespace, name.path)
  if not object then
    if err.code == "corrupt" then copies.set_aside(node, node.namespace, name.path, err) end
    return nil, err
  end
  local fields = object:fields()
  if fields.key_hash ~= name.hash then
    object:close()
    return names.taken(name)
  end
  if fields.tombstone then
    object:close()
    return names.deleted(name.key, "deleted")
  end
  local content_key, meta = names.unseal(node, object:record())
  if not content_key then return nil, meta end
  object:set_key(content_key)
  return hand_out(node, object, names.describe(fields, meta, "here"), function(problem)
    local stays = UNREADABLE[problem.code]
    if stays then warn_unreadable(node, name, problem) else copies.set_aside(node, node.namespace, name.path, problem, object) end
    return find_again(node, name, fields, content_key, stays)
  end)
end

local function fail(name, err) return nil, errors.wrap(err, ("cannot get '%s'"):format(name.key), { key = name.key }) end

---here: why the copy here cannot be read, when there is one.
local function open_from_peers(node, name, here)
  local found, err = find.newest(node, node.namespace, name, function(later) keep_later(node, name, later) end)
  if not found and here then return fail(name, here) end
  if not found then return nil, err end
  if found.fields.tombstone then
    keep_tombstone(node, found, name)
    return names.deleted(name.key)
  end
  local content_key, meta = names.unseal(node, found.record)
  if not content_key then return nil, meta end
  local opened
  opened, err = open_found(node, found, name, here ~= nil)
  if not opened and err.code == "exists" then return nil, err end
  if not opened then return fail(name, err) end
  opened:set_key(content_key)
  return hand_out(node, opened, names.describe(found.fields, meta, "peers"))
end

local function open(node, name)
  local object, err = open_here(node, name)
  if object then return object end
  if err.code == "deleted" then return names.deleted(name.key) end
  if UNREADABLE[err.code] then
    warn_unreadable(node, name, err)
    return open_from_peers(node, name, err)
  end
  if err.code ~= "not_found" and err.code ~= "corrupt" then return nil, err end
  return open_from_peers(node, name)
end

---As Node:get. A version that comes between looking here and asking peers is looked at again.
---@return filo.Object?, filo.Error?
function getting.open(node, name)
  for _ = 1, TRIES do
    local object, err = open(node, name)
    if object or err.code ~= "exists" then return object, err end
  end
  return errors.fail("busy", ("'%s' is being stored again and again: try later"):format(name.key), { key = name.key })
end

---As Node:stat.
---@return table?, filo.Error?
function getting.stat(node, name)
  local fields, record = names.stat(node, name)
  local from = "here"
  if not fields then
    if record.code == "invalid" then return nil, record end
    local found, err = find.newest(node, node.namespace, name)
    if not found then return nil, UNREADABLE[record.code] and record or err end
    fields, record, from = found.fields, found.record, "peers"
  end
  if fields.tombstone then return names.deleted(name.key) end
  local content_key, meta = names.unseal(node, record)
  if not content_key then return nil, meta end
  return names.describe(fields, meta, from)
end

---As Node:fetch.
---@return table?, filo.Error?
function getting.fetch(node, name)
  local object <close>, err = getting.open(node, name)
  if not object then return nil, err end
  getting.wait_for_fetches(node, name.hash)
  local fields
  fields, err = names.stat(node, name)
  if fields then return getting.stat(node, name) end
  return nil, errors.wrap(err, ("'%s' could not be fetched"):format(name.key), { key = name.key })
end

---Waits until no version of a key is being fetched.
function getting.wait_for_fetches(node, hash)
  node.fetches_end:wait_for(function()
    for _, partial in pairs(node.fetching) do
      if partial:fields().key_hash == hash then return false end
    end
    return true
  end)
end

return getting
