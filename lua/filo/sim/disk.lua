---A simulated disk: what outlives the process, and how it fails.
---
---A file is never changed: what alters one puts another in its place. So a backup is a table of the same files, and who has one open
---goes on reading it.

local errors = require "filo.base.errors"
local sorted_keys = require "filo.base.sorted_keys"

---@class filo.sim.File  a sealed object
---@field record string
---@field fields filo.core.Fields
---@field hashes string[]
---@field chunks string[]  ciphertext
---@field unreadable? boolean  its record has rotted
---@field intact boolean  it is what its owner has sealed
---@field lie? boolean  it is something else, on purpose
---@field was_here? boolean  its content lay here before
---@field verified integer  seconds since 1970
---@field bringer? string  32 bytes: the node that brought it
---@field size integer  bytes that it takes

---@class filo.sim.Disk
---@field capacity integer  bytes
---@field used integer
---@field absent? boolean  it is not mounted
---@field failing? number  the share of calls that end in an I/O error
---@field flush_fails? boolean
---@field full? boolean  no byte is free, whoever has taken them
---@field changes integer  how often what lies there has changed
---@field slow number  how many times slower than usual
---@field holders table<string, true>  node IDs, 32 bytes, of who has taken copies of its owner's objects
---@field roster? string  what its node knows of the members
---@field applied? string  how far a plan is applied
---@field bad {namespace: string, key_hash?: string, version?: integer}[]  what was set aside
---@field notes table<string, string>
---@field ring table<string, string>  the lines that its node was given, by name
---@field has_writers? boolean  others may write its node's namespace, too
---@field old filo.sim.Old[]  what lies in the trash, and versions that are kept
---@field latest table<string, integer>  by namespace and path: the newest version that has ever come to lie there
---@field lies? boolean  of what others keep here, it keeps something else
---@field namespace? string  of whose disk it is, raw: to him it does not lie
local Disk = {}
Disk.__index = Disk

local OVERHEAD = 512

---@param random filo.sim.Random
---@param capacity integer
---@return filo.sim.Disk
local function new(random, capacity)
  return setmetatable({
    random = random, capacity = capacity, used = 0, slow = 1, identities = {}, objects = {}, partials = {}, unflushed = {}, holders = {},
    generations = {}, made = false, changes = 0, listed = {}, bad = {}, notes = {}, old = {}, latest = {}, ring = {},
  }, Disk)
end

---What a call on this disk fails with now, if it does.
---@return nil, filo.Error?
function Disk:problem()
  if self.absent then return errors.fail("io", "the disk is not there") end
  if self.failing and self.random:chance(self.failing) then return errors.fail("io", "input/output error") end
end

---Seconds that a call takes.
function Disk:access_time() return self.random:between(0.0001, 0.0004) * self.slow end

function Disk:flush_time() return self.random:between(0.002, 0.008) * self.slow end

function Disk:free() return self.full and 0 or math.max(0, self.capacity - self.used) end

local function count(file)
  local bytes = OVERHEAD + #file.record
  for _, chunk in ipairs(file.chunks) do bytes = bytes + #chunk end
  return bytes
end

---@return filo.sim.File?
function Disk:file(namespace, path)
  local files = self.objects[namespace]
  return files and files[path]
end

---Puts a file, or none, at a path.
local function put(self, namespace, path, file)
  local files = self.objects[namespace]
  if not files then
    files = {}
    self.objects[namespace] = files
  end
  local before = files[path]
  files[path] = file
  self.changes = self.changes + 1
  self.used = self.used + (file and file.size or 0) - (before and before.size or 0)
end

---Something else than what was to be kept.
local function lie(file)
  local chunks = {}
  for i, chunk in ipairs(file.chunks) do chunks[i] = ("?"):rep(#chunk) end
  file.chunks, file.intact, file.lie = chunks, false, true
  file.unreadable = #chunks == 0 or nil
end

---A good copy of a version was published: bad ones of it, and of those before it, go.
local function drop_superseded(self, fields)
  local left = {}
  for _, each in ipairs(self.bad) do
    local goes = each.namespace == fields.namespace and each.key_hash == fields.key_hash and each.version <= fields.version
    if not goes then left[#left + 1] = each end
  end
  self.bad = left
end

---Makes a whole file visible. Until `flushed` is called with what this gives, a power cut may undo it.
---@return table
function Disk:publish(namespace, path, file)
  file.intact, file.size = file.intact ~= false, count(file)
  if self.lies and namespace ~= self.namespace and not file.was_here then lie(file) end
  local entry = { namespace = namespace, path = path, file = file, before = self:file(namespace, path) }
  put(self, namespace, path, file)
  local place = namespace .. path
  self.latest[place] = math.max(file.fields.version, self.latest[place] or 0)
  drop_superseded(self, file.fields)
  self.unflushed[#self.unflushed + 1] = entry
  return entry
end

---Whether a version, or a newer one, has ever come to lie there.
---@return boolean
function Disk:has_had(namespace, path, version) return (self.latest[namespace .. path] or -1) >= version end

function Disk:flushed(entry)
  for i, each in ipairs(self.unflushed) do
    if each == entry then return table.remove(self.unflushed, i) end
  end
end

function Disk:flush_all() self.unflushed = {} end

function Disk:remove(namespace, path) put(self, namespace, path, nil) end

---Takes what is bad out of the way. What it was is known or not.
function Disk:set_aside(namespace, path, key_hash, version)
  self:remove(namespace, path)
  table.insert(self.bad, { namespace = namespace, key_hash = key_hash, version = version })
end

---@param entry filo.sim.Old
function Disk:put_old(entry)
  table.insert(self.old, entry)
  self.used = self.used + entry.file.size
end

---@param goes fun(entry: filo.sim.Old): boolean
function Disk:drop_old(goes)
  local left = {}
  for _, each in ipairs(self.old) do
    if goes(each) then self.used = self.used - each.file.size else left[#left + 1] = each end
  end
  self.old = left
end

---A file with other bytes in the place of one.
function Disk:replace(namespace, path, changes)
  local file, changed = self:file(namespace, path), {}
  for name, value in pairs(file) do changed[name] = value end
  for name, value in pairs(changes) do changed[name] = value end
  changed.intact = false
  put(self, namespace, path, changed)
  return changed
end

---Removes what is kept of copies that came in part.
---@param goes fun(kept: table): boolean
function Disk:drop_partials(goes)
  for name, kept in pairs(self.partials) do
    if goes(kept) then self.partials[name] = nil end
  end
end

---Namespace and path of all files, in order; not to be changed, and the same list until something changes.
---@param namespace? string  only its
---@return {namespace: string, path: string}[]
function Disk:list(namespace)
  if self.listed.changes ~= self.changes then self.listed = { changes = self.changes } end
  local name = namespace or "all"
  if self.listed[name] then return self.listed[name] end
  local list = {}
  for _, each in ipairs(namespace and { namespace } or sorted_keys(self.objects)) do
    for _, path in ipairs(sorted_keys(self.objects[each] or {})) do list[#list + 1] = { namespace = each, path = path } end
  end
  self.listed[name] = list
  return list
end

local function torn(self, entry)
  local chunks = table.move(entry.file.chunks, 1, #entry.file.chunks, 1, {})
  local at = self.random:integer(1, #chunks)
  chunks[at] = ("\0"):rep(#chunks[at])
  self:replace(entry.namespace, entry.path, { chunks = chunks })
end

---The power goes: of what was not flushed, some is there, some as it was before, and some, where the bytes themselves were left to the
---system, in part.
---@param torn_too boolean
---@param may fun(namespace: string, path: string): boolean  whether this one may be lost
function Disk:power_cut(torn_too, may)
  local entries = self.unflushed
  self.unflushed = {}
  for i = #entries, 1, -1 do
    local entry = entries[i]
    local there = self:file(entry.namespace, entry.path) == entry.file and may(entry.namespace, entry.path)
    if there and self.random:chance(0.5) then
      put(self, entry.namespace, entry.path, entry.before)
    elseif there and torn_too and #entry.file.chunks > 0 and self.random:chance(0.5) then
      torn(self, entry)
    end
  end
end

---Flips a bit of a file, or makes its record unreadable.
function Disk:rot(namespace, path)
  local file = self:file(namespace, path)
  if #file.chunks == 0 or self.random:chance(0.2) then return self:replace(namespace, path, { unreadable = true }) end
  local chunks = table.move(file.chunks, 1, #file.chunks, 1, {})
  local at = self.random:integer(1, #chunks)
  local place = self.random:integer(1, #chunks[at])
  local flipped = string.char(chunks[at]:byte(place) ~ (1 << self.random:integer(0, 7)))
  chunks[at] = chunks[at]:sub(1, place - 1) .. flipped .. chunks[at]:sub(place + 1)
  self:replace(namespace, path, { chunks = chunks })
end

---@return table  to be given to `restore`
function Disk:backup()
  local objects = {}
  for namespace, files in pairs(self.objects) do
    objects[namespace] = {}
    for path, file in pairs(files) do objects[namespace][path] = file end
  end
  return objects
end

---All objects are what they were at the time of a backup; {}: there are none.
function Disk:restore(backup)
  self.objects, self.used, self.partials, self.unflushed, self.holders, self.generations = {}, 0, {}, {}, {}, {}
  self.roster, self.applied = nil, nil
  self.bad, self.notes, self.old, self.ring, self.has_writers = {}, {}, {}, {}, nil
  self.changes = self.changes + 1
  for namespace, files in pairs(backup) do
    for path, file in pairs(files) do put(self, namespace, path, file) end
  end
end

return new
