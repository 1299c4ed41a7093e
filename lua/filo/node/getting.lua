---Getting: the copy here, or one that is fetched from peers and kept.

local Object = require "filo.node.object"
local errors = require "filo.base.errors"
local format = require "filo.base.format"
local keys = require "filo.copies.keys"

---So many versions may come between looking here and asking peers.
local TRIES = 10

---@class filo.Getting
local Getting = {}
Getting.__index = Getting

---@param given {host: filo.Host, disk: table, names: filo.Names, peers: filo.Peers, find: filo.Find, fetches: filo.Fetches,
---  tombstones: filo.Tombstones, catalogue: filo.Catalogue, set_aside: filo.SetAside, tasks: filo.Tasks, namespace: string,
---  handed_out: filo.HandedOut, old: filo.OldVersions, others: fun(): string[],
---  conflicts: filo.Conflicts}  others: namespaces of what is kept here, and not read
---@return filo.Getting
local function new(given) return setmetatable(given, Getting) end

-- Peers -------------------------------------------------------------------------------------------------------------------

---Keeps a tombstone that a peer had, and tells those who may not know it.
local function keep_tombstone(self, found, name)
  local partial <close> = self.disk:partial(name.path, found.record, found.body or "")
  if not partial or not self.conflicts:publish(partial, found.fields, found.record, name.path) then return end
  self.tasks:spawn(self.tombstones.tell_all, self.tombstones, {
    record = found.record, version = found.fields.version, path = name.path, key_hash = name.hash, key = name.key,
  })
end

---What a peer that answered late has: it takes the place of the older version that was handed out, and perhaps kept, before.
local function keep_later(self, name, found)
  if found.fields.tombstone then return keep_tombstone(self, found, name) end
  if not self.conflicts:before(found.fields, found.record, name.path) then return end
  local _ <close> = self.fetches:open(found, name)
end

---@param least? integer  as for Find:newest
---@param beside? boolean  the same
local function find_newest(self, name, least, beside)
  return self.find:newest(name, function(later) keep_later(self, name, later) end, least, beside)
end

---The IDs of connected peers, but for one.
local function list_others(self, except)
  local list = {}
  for _, id in ipairs(self.peers:ids()) do
    if id ~= except.id then list[#list + 1] = id end
  end
  return list
end

---What one peer has, which alone will be asked for it.
---@param peer filo.peers.Peer
local function find_at(self, name, peer)
  local found, err = self.find:at(peer, name.hash)
  if err then return nil, errors.wrap(err, ("cannot get '%s' from %s"):format(name.key, tostring(peer)), { key = name.key }) end
  if not found then return errors.fail("not_found", ("%s does not have '%s'"):format(tostring(peer), name.key), { key = name.key }) end
  found.only, found.unheard = peer.id, list_others(self, peer)
  return found
end

-- The copy here -----------------------------------------------------------------------------------------------------------

---Failures of the copy here that are none of those at peers. It stays as it is: it may be good, and newer than these.
local UNREADABLE = { io = true, denied = true, unsupported = true }

local function warn_unreadable(self, name, err)
  self.host.log("warning", ("the copy of '%s' here cannot be read, and peers are asked: %s"):format(name.key, tostring(err)))
end

---Another source of a version whose copy here is bad, or (then it stays) cannot be read.
local function find_again(self, name, fields, stays)
  local found = find_newest(self, name)
  if not found then return nil end
  if found.fields.root ~= fields.root or found.fields.version ~= fields.version then
    if stays then return nil end
    local sentence = "the copy of '%s' here was bad and was set aside, and what peers have is another version: get it again"
    return nil, errors.new("corrupt", sentence:format(name.key), { key = name.key, retryable = true })
  end
  local content_key = self.names:unseal(found.record, name)
  local opened = content_key and self.fetches:open(found, name, stays)
  if not opened then return nil end
  opened:set_key(content_key)
  return opened
end

---What an object does when the copy here turns out to be bad, or cannot be read: it looks for another source.
local function healer(self, name, object, fields)
  return function(problem)
    local stays = UNREADABLE[problem.code]
    if stays then
      warn_unreadable(self, name, problem)
    else
      self.set_aside(self.namespace, name.path, problem, object)
    end
    return find_again(self, name, fields, stays)
  end
end

---What is known of an object that is handed out. unheard: IDs of connected peers that may have something newer.
local function describe(fields, meta, from, unheard)
  local info = keys.describe(fields, meta, from)
  info.unheard = unheard
  return info
end

---A copy here, opened: nil when there is none, or it is bad (then it is set aside) or a tombstone ("deleted").
local function open_here(self, name, unheard)
  local object, err = self.disk:object(self.namespace, name.path)
  if not object then
    if err.code == "corrupt" then self.set_aside(self.namespace, name.path, err) end
    return nil, err
  end
  local fields = object:fields()
  if fields.key_hash ~= name.hash then
    object:close()
    return keys.taken(name)
  end
  if fields.tombstone then
    object:close()
    return keys.deleted(name.key, "deleted")
  end
  local meta
  meta, err = self.names:unlock(object, name)
  if not meta then
    object:close()
    return nil, err
  end
  return Object(object, describe(fields, meta, "here", unheard), self.handed_out, healer(self, name, object, fields))
end

local function fail(name, err) return nil, errors.wrap(err, ("cannot get '%s'"):format(name.key), { key = name.key }) end

---What peers have, opened. beside: whatever lies here; it is kept here only if that is older, or cannot be read.
---@param reach filo.Reach
local function open_found(self, name, found, reach, beside)
  if found.fields.tombstone then
    keep_tombstone(self, found, name)
    return keys.deleted(name.key)
  end
  local content_key, meta = self.names:unseal(found.record, name)
  if not content_key then return nil, meta end
  local ok, why = true, nil
  if not beside then ok, why = self.conflicts:before(found.fields, found.record, name.path, meta) end
  if not ok then return fail(name, why) end
  local opened, err = not reach.kept and self.fetches:hand_out(found, name, beside) or nil, nil
  if not opened then opened, err = self.fetches:open(found, name, beside) end
  if not opened and err.code == "exists" then return nil, err end
  if not opened then return fail(name, err) end
  opened:set_key(content_key)
  return Object(opened, describe(found.fields, meta, "peers", found.unheard), self.handed_out)
end

---`not_found`, where it may be somebody else's: what others call their objects nobody here can tell.
local function none_found(self, err)
  local owners = err.code == "not_found" and self.others() or {}
  if not owners[1] then return nil, err end
  for i, id in ipairs(owners) do owners[i] = id:sub(1, 16) end
  local sentence = "; this node keeps objects of %s, which are read with a key of theirs: 'filo share' there, 'filo accept' here"
  return errors.fail(err.code, err.message .. sentence:format(format.several(owners, ", ")), { key = err.key, retryable = err.retryable })
end

---here: why the copy here cannot be read, when there is one.
local function open_from_peers(self, name, reach, here, least)
  local found, err = find_newest(self, name, least)
  if found then return open_found(self, name, found, reach, here ~= nil) end
  if here and err.code ~= "unreachable" then return fail(name, here) end
  return none_found(self, err)
end

---The copy here; one from peers when there is none. unheard: of those who might have something newer.
---@param least? integer  as for Find:newest
local function open(self, name, reach, unheard, least)
  local object, err = open_here(self, name, unheard)
  if object then return object end
  if err.code == "deleted" then return keys.deleted(name.key) end
  if UNREADABLE[err.code] then
    warn_unreadable(self, name, err)
    return open_from_peers(self, name, reach, err, least)
  end
  if err.code ~= "not_found" and err.code ~= "corrupt" then return nil, err end
  return open_from_peers(self, name, reach, nil, least)
end

---How many peers must tell what they have, so that `quorum` nodes have. This one has, unless it cannot read what is here.
local function least_of(self, name, quorum)
  local here, err = self.names:stat(name)
  return (here or err.code == "not_found") and quorum - 1 or quorum
end

---The newest of what is here and what peers have.
---@param reach filo.Reach
local function open_newest(self, name, reach)
  local quorum = reach.quorum
  local least = quorum and least_of(self, name, quorum)
  local found, err, unheard = find_newest(self, name, least, not quorum and self.names:stat(name) ~= nil)
  if not found and err.code == "unreachable" then return nil, err end
  local here = self.names:stat(name)
  if found and here and found.fields.version > here.version then return open_found(self, name, found, reach) end
  return open(self, name, reach, found and found.unheard or unheard, least)
end

local function open_from(self, name, reach)
  local found, err = find_at(self, name, reach.from)
  if not found then return nil, err end
  return open_found(self, name, found, reach, true)
end

-- The calls ---------------------------------------------------------------------------------------------------------------

---A version that is kept, here or at peers; or the one that counts, if it is that.
local function open_version(self, name, version)
  local here = self.names:stat(name)
  if here and here.tombstone then return keys.deleted(name.key) end
  if here and here.version == version then return open_here(self, name, self.peers:ids()) end
  local found, err = self:find_version(name, version)
  if not found then return nil, err end
  if not found.is_old then return open_found(self, name, found, {}) end
  local content_key, meta = self.names:unseal(found.record, name)
  if not content_key then return nil, meta end
  local source, from = nil, "here"
  if found.here then source, err = self.disk:old_object(found.here) end
  if not source and found.holders[1] then
    from = "peers"
    source, err = self.fetches:borrow(found, name)
  end
  if not source then return fail(name, err) end
  source:set_key(content_key)
  return Object(source, describe(found.fields, meta, from, {}), self.handed_out)
end

---@class filo.Reach  where to look for an object
---@field newest? boolean  at peers, too, although a copy is here
---@field quorum? integer  the same, until so many nodes have told what they have, this one among them
---@field from? filo.peers.Peer  at this peer only
---@field version? integer  only this one, which may be an old one that is kept
---@field kept? boolean  what comes from peers is being kept here before it is opened: why it cannot be is told

---As Node:get. A version that comes between looking here and asking peers is looked at again.
---@param reach filo.Reach
---@return filo.Object?, filo.Error?
function Getting:open(name, reach)
  if reach.version then return open_version(self, name, reach.version) end
  for _ = 1, TRIES do
    local object, err
    if reach.from then
      object, err = open_from(self, name, reach)
    elseif reach.newest or reach.quorum then
      object, err = open_newest(self, name, reach)
    else
      object, err = open(self, name, reach, self.peers:ids())
    end
    if object or err.code ~= "exists" then return object, err end
  end
  return errors.fail("busy", ("'%s' is being stored again and again: try later"):format(name.key), { key = name.key })
end

local function describe_record(self, name, fields, record, from)
  if fields.tombstone then return keys.deleted(name.key) end
  local content_key, meta = self.names:unseal(record, name)
  if not content_key then return nil, meta end
  return keys.describe(fields, meta, from)
end

---A version, as Find gives what it finds: an old one that is kept somewhere (`is_old`), or the one that peers have.
---@param version integer
---@return table?, filo.Error?
function Getting:find_version(name, version)
  for _, each in ipairs(self.old:list(name)) do
    if each.version == version then
      each.is_old, each.unheard = true, {}
      return each
    end
  end
  local found = find_newest(self, name)
  if found and found.fields.version == version then return found end
  local sentence = "version %d of '%s' is kept neither here nor at a connected peer"
  return errors.fail("not_found", sentence:format(version, name.key), { key = name.key })
end

---As Node:versions.
---@param id string  of this node
---@return filo.KeptVersion[]?, filo.Error?
function Getting:versions(name, id)
  local list = {}
  for i, each in ipairs(self.old:list(name)) do
    local nodes = each.here and { id } or {}
    for _, peer in ipairs(each.holders) do nodes[#nodes + 1] = peer.id end
    list[i] = {
      version = each.version, time = each.version // 1000000, size = each.fields.size, here = each.here ~= nil, nodes = nodes,
    }
  end
  if list[1] then return list end
  local item, err = self:stat(name)
  return item and list, err
end

---What is known of the copy here.
---@return table?, filo.Error?
function Getting:stat_here(name)
  local fields, record = self.names:stat(name)
  if not fields then return nil, record end
  return describe_record(self, name, fields, record, "here")
end

---As Node:stat.
---@return table?, filo.Error?
function Getting:stat(name)
  local fields, record = self.names:stat(name)
  if fields then return describe_record(self, name, fields, record, "here") end
  if record.code == "invalid" then return nil, record end
  local found, err = self.find:newest(name)
  if found then return describe_record(self, name, found.fields, found.record, "peers") end
  if UNREADABLE[record.code] then return nil, record end
  local row = self.catalogue:elsewhere(name.key)
  if not row then return nil, err end
  return {
    key = name.key, size = row.size, version = row.version, modified = row.modified, class = row.class, encrypted = not row.plain,
    from = "listed", etag = row.etag,
  }
end

---As Node:fetch with `to`.
---@param reach filo.Reach
---@return table?, filo.Error?
function Getting:write(name, file, reach)
  local found, err
  if reach.from then
    found, err = find_at(self, name, reach.from)
  elseif reach.version then
    found, err = self:find_version(name, reach.version)
  else
    found, err = find_newest(self, name, reach.quorum and least_of(self, name, reach.quorum))
  end
  if not found then return nil, err end
  if found.fields.tombstone then return open_found(self, name, found, reach) end
  local here = not reach.from and not found.is_old and self.names:stat(name)
  if here and here.version > found.fields.version then
    if here.tombstone then return keys.deleted(name.key) end
    local sentence = "what peers have of '%s' is older than the copy here: get reads that"
    return errors.fail("exists", sentence:format(name.key), { key = name.key })
  end
  local content_key, meta = self.names:unseal(found.record, name)
  if not content_key then return nil, meta end
  local ok
  ok, err = self.fetches:write(found, name, content_key, file)
  if not ok then return fail(name, err) end
  return describe(found.fields, meta, "peers", found.unheard)
end

---What is here, once nothing of it is being fetched; it must be no older than that.
local function wait_for_copy(self, name, version, unheard)
  self.fetches:wait(name.hash)
  local fields, err = self.names:stat(name)
  if fields and fields.version >= version then
    local info, problem = self:stat(name)
    if info then info.unheard = unheard end
    return info, problem
  end
  err = not fields and err or errors.new("unreachable", "an older version is still the one here")
  return nil, errors.wrap(err, ("'%s' could not be fetched"):format(name.key), { key = name.key })
end

---As Node:fetch. What a certain peer has is fetched only if it is newer than what is here.
---@param reach filo.Reach
---@return table?, filo.Error?
function Getting:fetch(name, reach)
  if reach.from then
    local found, problem = find_at(self, name, reach.from)
    local here = found and self.names:stat(name)
    if not found then return nil, problem end
    if here and here.version >= found.fields.version then return wait_for_copy(self, name, here.version, found.unheard) end
  end
  local object <close>, err = self:open(name, { newest = reach.newest, quorum = reach.quorum, from = reach.from, kept = true })
  if not object then return nil, err end
  return wait_for_copy(self, name, object.version, object.unheard)
end

return new
