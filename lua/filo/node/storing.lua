---Storing: content is sealed and published here, then copied to peers as the plan says.

local content = require "filo.node.content"
local errors = require "filo.base.errors"
local keys = require "filo.copies.keys"
local receipts = require "filo.replication.receipt"
local versions = require "filo.copies.versions"

---So many versions may take each other's place while one is being copied.
local TRIES = 10

---@class filo.Storing
local Storing = {}
Storing.__index = Storing

---@param given {host: filo.Host, disk: table, keys: filo.Keys, names: filo.Names, peers: filo.Peers, spread: filo.Spread,
---  survey: filo.Survey, hooks: filo.Hooks, activity: filo.Activities, namespace: string, encrypts: fun(): boolean, tasks: filo.Tasks,
---  elsewhere: fun(name: filo.Name): string?, conflicts: filo.Conflicts, expecting: filo.Expecting}
---@return filo.Storing
local function new(given) return setmetatable(given, Storing) end

-- What copies are made of ---------------------------------------------------------------------------------------------

---The very file just published, which a newer version may replace meanwhile. A small one whole, which came with its record if its size was
---known.
---@param version filo.Version
local function open_version(self, version)
  local opened, err
  local size = version.info.size
  if version.body or not self.spread.anybody() then return version end
  if size <= self.host.limits.inline then
    opened, err, version.body = self.disk:sealed(self.namespace, version.path, size)
  else
    opened, err = self.disk:object(self.namespace, version.path)
    version.object = opened
  end
  if opened then return version end
  return nil, errors.wrap(err, ("'%s' is stored here, but no copies can be made of it"):format(version.info.key))
end

---@return filo.Version
local function describe(self, name, record, meta, body, amended)
  local said = self.host.store.peek(record)
  return {
    record = record, body = body, version = said.version, path = name.path, key_hash = name.hash, amended = amended and true or nil,
    info = {
      key = name.key, key_hash = name.hash, namespace = self.namespace, version = said.version, size = said.size, class = said.class,
      fields = meta.fields or {}, etag = keys.etag_of(meta),
    },
  }
end

---Publishes content that lies here under another record.
---@param from? string  the path of another object, whose content it is
---@return string? record, filo.Error?
local function rewrap(self, name, old, version, from)
  local later, err = self.host.store.reseal(self.keys, old, version)
  if not later then return nil, err end
  local ok
  ok, err = self.disk:rewrap(name.path, later, old, true, from)
  return ok and later, err
end

---What peers have, as far as that counts for what is to be written.
---@param expected integer|false|nil
---@return filo.Asked
local function ask(self, name, expected)
  if expected ~= nil then return self.expecting:ask(name) end
  return { record = self.elsewhere(name) }
end

---Whether it may be written, under the lock on the name.
---@param expected integer|false|nil
---@param asked filo.Asked
---@return integer? known  the newest version that is known, at least
---@return filo.Error?
local function decide(self, name, expected, asked)
  if expected == nil then return 0 end
  return self.expecting:decide(name, expected, asked)
end

---Publishes what is sealed, and gives what copies are made from.
---@param given {class?: integer, expected?: integer|false}
local function publish(self, deposit, key, meta, given)
  local name, err = self.names:of(key)
  if not name then return nil, err end
  local expected = given.expected
  local asked = ask(self, name, expected)
  local _ <close> = self.names:lock(name.hash)
  local known
  known, err = decide(self, name, expected, asked)
  if not known then return nil, err end
  local how = { class = given.class, known = known, elsewhere = asked.record, first = expected == nil }
  local record, body = self.names:write(name, meta, how, function(version, fresh)
    return deposit:publish(self.keys, version, name.path, fresh)
  end)
  if not record then return nil, errors.wrap(body, ("cannot store '%s'"):format(key), { key = key }) end
  return open_version(self, describe(self, name, record, meta, body))
end

---The content of a version that is here as another one, newer than one that is `known` to a peer, or under another key. Nothing is sealed.
---Peers are asked for what they have of its own key only: under another it is kept while the lock on its own is held, and what somebody
---made of that meanwhile, without its being known here, is a conflict as any other.
---@param known? integer
---@param key? string
---@param change? fun(meta: table)
local function renew(self, version, known, key, change)
  local content_key, meta = self.names:unseal(version.record)
  if not content_key then return nil, meta end
  local from = key and version.path or nil
  meta.name = key or meta.name
  if change then change(meta) end
  local name, err = self.names:of(meta.name)
  if not name then return nil, err end
  local elsewhere = not key and self.elsewhere(name) or nil
  local _ <close> = self.names:lock(name.hash)
  local said = self.host.store.peek(version.record)
  self.names.generation:learn(said.generation) -- what is here under another key may be of an older one
  local how = { class = said.class, known = known, elsewhere = elsewhere }
  local record
  record, err = self.names:write(name, meta, how, function(later)
    return rewrap(self, name, version.record, later, from)
  end)
  if not record then return nil, errors.wrap(err, ("cannot store '%s'"):format(name.key), { key = name.key }) end
  return open_version(self, describe(self, name, record, meta, nil, not key))
end

---Stores the version of an object that is here under another key, too, and has copies made of it.
---@param version {record: string, path: string}
---@param key string
---@param change fun(meta: table)  of its metadata
---@return true?, filo.Error?
function Storing:keep_as(version, key, change)
  local kept, err = renew(self, version, nil, key, change)
  if not kept then return nil, err end
  self.tasks:spawn(self.spread.carry_out, self.spread, kept, { key = key, size = kept.info.size }, {})
  return true
end

-- The calls ---------------------------------------------------------------------------------------------------------------

---Waits until the content is sealed.
---@return integer?, string|filo.Error|nil
local function finish(self, deposit, key)
  local _ <close> = self.activity:begin("store", { key = key }, function() return deposit:progress() end)
  return deposit:finish()
end

---What is stored with the content, once that was read: what the script says of it by then, in the place of its options.
---@return {fields?: table, etag?: string}?, filo.Error?
local function described(self, key, given)
  if not given.describe then return given end
  local said, err = given.describe()
  if not said and errors.is(err) then return nil, err end
  if not said then
    return errors.fail("denied", ("'%s' is not stored: %s"):format(key, errors.text(err or "no reason given")), { key = key })
  end
  local fields = said.fields and self.host.decode(self.host.encode(said.fields))
  return { fields = fields or given.fields, etag = said.etag or given.etag }
end

---Seals and publishes what is read; once more from its beginning when it has changed meanwhile, which is no content that it ever had.
---When it does so each time, what was read the last time is taken, and the receipt says so.
---@param reading filo.Reading
---@return filo.Version?, filo.Receipt|filo.Error
local function seal(self, key, reading, given, plain, tries)
  local host = self.host
  local deposit <close>, err = reading:deposit(plain, key == nil)
  if not deposit then return nil, errors.wrap(err, ("cannot store '%s'"):format(key or "content"), { key = key }) end
  local size, digest = finish(self, deposit, key)
  local changed = reading:changed(deposit)
  if changed and tries > 1 then
    deposit:close()
    host.sleep(host.limits.read_pause)
    return seal(self, key, reading, given, plain, tries - 1)
  end
  if not size then return nil, errors.wrap(digest, ("cannot store '%s'"):format(key or "content"), { key = key }) end
  key = key or host.crypto.hex(digest)
  local said
  said, err = described(self, key, given)
  if not said then return nil, err end
  local seen = reading.seen
  local meta = { name = key, modified = seen and seen.modified or host.time() // 1000000, fields = said.fields, etag = said.etag }
  if not changed then meta.stamp = reading:stamp() end
  local version, problem = publish(self, deposit, key, meta, given)
  if not version then return nil, problem end
  return version, { key = key, size = size, changed = changed or nil }
end

---Whether content has to be read at all.
---@param key? string
---@param expected integer|false|nil
---@return true?, filo.Error?
local function foresee(self, key, expected)
  if expected == nil then return true end
  local may, err = self.expecting:decides()
  if not may or not key then return may, err end
  local name
  name, err = self.names:of(key)
  if not name then return nil, err end
  return self.expecting:foresee(name, expected)
end

---As Node:store, of what was checked.
---@return filo.Receipt?, filo.Error?
function Storing:store(key, given_content, given)
  local host = self.host
  local may, vain = foresee(self, key, given.expected)
  if not may then return nil, vain end
  local shown = given.fields and host.decode(host.encode(given.fields)) -- plain tables, of which hooks get copies
  local ok, err = self.hooks:allow("before_store", { key = key, fields = shown })
  if not ok then return nil, err end
  local plain = given.encrypt == false or (given.encrypt == nil and not self.encrypts())
  local version, receipt = seal(self, key, content.reading(host, self.disk, given_content), {
    fields = shown, etag = given.etag, class = given.class, describe = given.describe, expected = given.expected,
  }, plain, host.limits.read_tries)
  if not version then return nil, receipt end
  local placed, missing = self.spread:carry_out(version, receipt, {
    renew = function(renewed, known, record)
      local lost, problem = self.conflicts:yield(renewed, record)
      if lost then return nil, problem end
      return renew(self, renewed, known)
    end,
    to = given.to,
  })
  self.hooks:announce("stored", version.info, placed or receipts.show(receipt))
  return placed, missing
end

---The version that is here: its record and metadata. The lock on the name is the caller's.
---@param done string  what is to be done with it
---@param undone string  what cannot be where there is none
---@return string?, table|filo.Error
local function find_present(self, name, done, undone)
  local fields, record = self.names:stat(name)
  if not fields and record.code == "not_found" then
    local sentence = "'%s' is not here, so %s: fetch it first, if peers have it"
    return errors.fail("not_found", sentence:format(name.key, undone), { key = name.key })
  end
  if not fields then return nil, errors.wrap(record, ("'%s' cannot be %s"):format(name.key, done), { key = name.key }) end
  if fields.tombstone then return keys.deleted(name.key) end
  local content_key, meta = self.names:unseal(record, name)
  if not content_key then return nil, meta end
  return record, meta
end

---What copies can be made of: the version that is here.
local function open_present(self, name)
  local _ <close> = self.names:lock(name.hash)
  local record, meta = find_present(self, name, "copied", "no copies can be made of it")
  if not record then return nil, meta end
  return open_version(self, describe(self, name, record, meta, nil, meta.wraps))
end

---What peers have that is newer than a record here makes no change of that one: it would take the place of what is newer.
---@param known integer  the newest version that is known, at least
local function check_newest(self, name, record, elsewhere, known)
  local store = self.host.store
  local here = store.peek(record)
  if known <= here.version and not (elsewhere and versions.newer(store.peek(elsewhere), here)) then return true end
  local sentence = "'%s' has a newer version at a peer: get that first (newest = true)"
  return errors.fail("exists", sentence:format(name.key), { key = name.key })
end

---Publishes the content that is here with other fields, or another class.
local function amend(self, name, given)
  local asked = ask(self, name, given.expected)
  local _ <close> = self.names:lock(name.hash)
  local known, problem = decide(self, name, given.expected, asked)
  if not known then return nil, problem end
  local old, meta = find_present(self, name, "changed", "it cannot be changed")
  if not old then return nil, meta end
  local ok, err = check_newest(self, name, old, asked.record, known)
  if not ok then return nil, err end
  meta.fields = given.fields or meta.fields
  local record
  record, err = self.names:write(name, meta, { class = given.class, amends = true }, function(version)
    return rewrap(self, name, old, version)
  end)
  if not record then return nil, errors.wrap(err, ("'%s' cannot be changed"):format(name.key), { key = name.key }) end
  return open_version(self, describe(self, name, record, meta, nil, true))
end

---As Node:amend, of what was checked.
---@return filo.Receipt?, filo.Error?
function Storing:amend(name, given)
  local fields = given.fields and self.host.decode(self.host.encode(given.fields))
  local may, vain = foresee(self, name.key, given.expected)
  if not may then return nil, vain end
  local ok, err = self.hooks:allow("before_store", { key = name.key, fields = fields })
  if not ok then return nil, err end
  given = { fields = fields, class = given.class, expected = given.expected }
  local version
  version, err = amend(self, name, given)
  if not version then return nil, err end
  local receipt = { key = name.key, size = version.info.size }
  local placed, missing = self.spread:carry_out(version, receipt, {})
  self.hooks:announce("stored", version.info, placed or receipts.show(receipt))
  return placed, missing
end

---Publishes a version with the content of an old copy, in the place of its deletion.
---@param elsewhere? string  the deletion, when only peers have it
local function renew_old(self, name, old, record, elsewhere)
  local _ <close> = self.names:lock(name.hash)
  local content_key, meta = self.names:unseal(record, name)
  if not content_key then return nil, meta end
  local said = self.host.store.peek(record)
  self.names.generation:learn(said.generation)
  local later, err = self.names:write(name, meta, { class = said.class, elsewhere = elsewhere }, function(version)
    return rewrap(self, name, record, version, old)
  end)
  if not later then return nil, errors.wrap(err, ("'%s' cannot be brought back"):format(name.key), { key = name.key }) end
  return open_version(self, describe(self, name, later, meta))
end

---Stores what an old copy has, as a version of its own, and has copies made of it.
---@param old filo.core.Old
---@param record string  of it
---@param elsewhere? string
---@return filo.Receipt?, filo.Error?
function Storing:bring_back(name, old, record, elsewhere)
  local ok, err = self.hooks:allow("before_store", { key = name.key })
  if not ok then return nil, err end
  local version
  version, err = renew_old(self, name, old, record, elsewhere)
  if not version then return nil, err end
  local receipt = { key = name.key, size = version.info.size }
  local placed, missing = self.spread:carry_out(version, receipt, {})
  self.hooks:announce("stored", version.info, placed or receipts.show(receipt))
  return placed, missing
end

---As Node:replicate. A version that takes the place of the one here meanwhile is copied instead. What is here was new when it was stored,
---and is old when a peer has something newer: then no copies are made.
---@param to? string[]  as Spread:carry_out takes them
---@return filo.Receipt?, filo.Error?
function Storing:replicate(name, to)
  for _ = 1, TRIES do
    local version, err = open_present(self, name)
    if not version then return nil, err end
    local receipt, problem = self.spread:carry_out(version, { key = name.key, size = version.info.size }, {
      holders = function() return self.survey:copies(name) end, to = to,
    })
    if not receipt or not receipt.replaced then return receipt, problem end
  end
  return errors.fail("busy", ("'%s' is being stored again and again: try later"):format(name.key), { key = name.key })
end

return new
