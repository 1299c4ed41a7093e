---Uploads in parts that are on their way: a store of its own, in `uploads` of the root, where what has come lies sealed as all else does.
---It is not listed, has no copies, and leaves no deletions behind.
---
---    ID/upload      what will be made of it
---    ID/00001       a part
---
---What nobody has gone on with for a week goes.

local body = require "filo.http.body"
local crypto = require "filo.core.crypto"
local errors = require "filo.base.errors"
local files = require "filo.core.files"
local host = require "filo.host.real"
local inside = require "filo.base.inside"
local new_locks = require "filo.host.lock"
local new_object = require "filo.node.object"
local store = require "filo.core.store"

local FOLDER, HEAD = "uploads", "upload"

---Seconds.
local LIFE = 7 * 86400

---@class filo.s3.Uploads
---@field disk filo.core.Store
---@field done table<string, {name: string, answer: any}>  of those that were finished, for who has not heard what was answered
---@field locks filo.Locks  one at a time finishes an upload, or publishes a part
local Uploads = {}
Uploads.__index = Uploads

---What is remembered of those that were finished.
local DONE_MOST = 256

---@class filo.s3.Upload
---@field id string
---@field bucket string
---@field key string
---@field fields table
---@field began integer  microseconds since 1970
---@field sum? string  the name of the checksum that the parts have
---@field is_whole? boolean  it will be one of all content

---@class filo.s3.Part
---@field number integer
---@field size integer
---@field etag string
---@field sums? table<string, string>
---@field time integer  microseconds since 1970

local uploads = {}

---@param node filo.Node
---@return filo.s3.Uploads?, filo.Error?
function uploads.open(node)
  local parts = inside.of(node)
  local disk, err = store.open(("%s/%s"):format(node.root, FOLDER), parts.raw_id, "none", parts.options.reserve)
  if not disk then return nil, errors.wrap(err, "uploads in parts") end
  local self = setmetatable({
    disk = disk, keys = parts.keys, namespace = parts.keys:raw_id(), generation = parts.generation, done = {}, finished = {},
    locks = new_locks(host),
    handed_out = parts.handed_out, folder = ("%s/%s/objects/%s"):format(node.root, FOLDER, parts.keys:id()),
  }, Uploads)
  self:sweep()
  return self
end

function Uploads:close() self.disk:close() end

Uploads.__close = Uploads.close

local function path_of(id, name) return id .. "/" .. name end

local function name_of(number) return ("%05d"):format(number) end

---@param id string  anybody's word
local function is_id(id) return #id == 32 and not id:find "[^0-9a-f]" end

---@return boolean
local function is_there(self, id)
  return is_id(id) and (self.disk:stat(self.namespace, path_of(id, HEAD))) ~= nil
end

---Publishes what is sealed, above what is there. One at a time of a path: what comes last has the highest version.
---@return integer? version, filo.Error?
local function publish(self, deposit, path, meta)
  local _ <close> = self.locks:take(path)
  local before = self.disk:stat(self.namespace, path)
  local version = math.max(host.time(), before and before.version + 1 or 0)
  local record, err = deposit:publish(self.keys, {
    key_hash = crypto.digest("sha256", path), version = version, generation = self.generation.number, class = 0, meta = host.encode(meta),
  }, path)
  return record and version, err
end

---Opens what lies at a path.
---@return filo.core.Object?
---@return table|filo.Error meta_or_err
local function open(self, path)
  local object, err = self.disk:object(self.namespace, path)
  if not object then return nil, err end
  local bytes
  bytes, err = object:unseal(self.keys)
  local meta = bytes and host.decode(bytes)
  if meta then return object, meta end
  object:close()
  return nil, err or errors.new("corrupt", "what lies at " .. path .. " is no part")
end

---@return table?, filo.Error?
local function read_meta(self, path)
  local object <close>, meta = open(self, path)
  if not object then return nil, meta end
  local said = object:fields()
  meta.size, meta.time = said.size, said.version
  return meta
end

---@param upload {bucket: string, key: string, fields: table, sum?: string, is_whole?: boolean}
---@return string? id, filo.Error?
function Uploads:begin(upload)
  local id = crypto.hex(crypto.random(16))
  local deposit <close>, err = self.disk:deposit(0, false, false)
  local ok = deposit
  if ok then ok, err = deposit:finish() end
  if ok then ok, err = publish(self, deposit, path_of(id, HEAD), upload) end
  if not ok then return nil, err end
  return id
end

---@param id string  anybody's word
---@return filo.s3.Upload?, filo.Error?
function Uploads:find(id)
  local upload, err
  if is_id(id) then upload, err = read_meta(self, path_of(id, HEAD)) end
  if upload then upload.id, upload.began = id, upload.time end
  return upload, err
end

---@return filo.core.Deposit?, filo.Error?
local function begin_part(self, content)
  if body.is(content) then return body.deposit(content, self.disk, false, false) end
  local deposit, err = self.disk:deposit(nil, false, false)
  if not deposit then return nil, err end
  local ok, problem = content(deposit)
  if ok then return deposit end
  deposit:close()
  return nil, problem
end

---Takes a part: past Lua, where it is the body of a request.
---@param content filo.http.Body|fun(deposit: filo.core.Deposit): true?, filo.Error?  which writes it
---@param describe fun(): table?, filo.Error?  what is kept with it, once all of it has come
---@return integer? version, filo.Error?
function Uploads:keep(id, number, content, describe)
  local deposit <close>, err = begin_part(self, content)
  local ok = deposit
  if ok then ok, err = deposit:finish() end
  local meta
  if ok then meta, err = describe() end
  if not meta then return nil, err end
  local version
  version, err = publish(self, deposit, path_of(id, name_of(number)), meta)
  if version and not is_there(self, id) then -- it was given up meanwhile
    self:drop(id)
    return errors.fail("not_found", "there is no such upload")
  end
  return version, err
end

---@param id string
---@return filo.s3.Part?, filo.Error?
function Uploads:part(id, number)
  local part, err = read_meta(self, path_of(id, name_of(number)))
  if part then part.number = number end
  return part, err
end

---Numbers of the parts that are there, in order.
---@return integer[]
function Uploads:numbers(id)
  local list = {}
  for _, entry in ipairs(files.list(("%s/%s"):format(self.folder, id)) or {}) do
    list[#list + 1] = math.tointeger(tonumber(entry.name:match "^%d%d%d%d%d$"))
  end
  table.sort(list)
  return list
end

---Opens a part; an error where it is not there any more, or was sent again.
---@param part filo.s3.Part
---@return filo.Object?, filo.Error?
function Uploads:open(id, part)
  local number = part.number
  local object, meta = open(self, path_of(id, name_of(number)))
  if not object then return nil, meta end
  local said = object:fields()
  if said.version ~= part.time then
    object:close()
    return errors.fail("not_found", ("part %d was sent again meanwhile"):format(number))
  end
  local info = { key = name_of(number), size = said.size, version = said.version, from = "here", unheard = {} }
  return new_object(object, info, self.handed_out)
end

---@return filo.s3.Upload[]  in the order of keys, and then of their beginnings
function Uploads:list()
  local list = {}
  for _, entry in ipairs(files.list(self.folder) or {}) do
    list[#list + 1] = self:find(entry.name)
  end
  table.sort(list, function(a, b)
    if a.key ~= b.key then return a.key < b.key end
    return a.began < b.began
  end)
  return list
end

---Drops all of it.
---@return boolean  whether there was anything
function Uploads:drop(id)
  if not is_id(id) then return false end
  local was_there = self.disk:remove(self.namespace, path_of(id, HEAD)) -- first: no part comes from now on
  for _, number in ipairs(self:numbers(id)) do self.disk:remove(self.namespace, path_of(id, name_of(number))) end
  return was_there == true
end

---Remembers what was answered.
---@param name string  of the object
function Uploads:finish(id, name, answer)
  table.insert(self.finished, id)
  self.done[id] = { name = name, answer = answer }
  if #self.finished > DONE_MOST then self.done[table.remove(self.finished, 1)] = nil end
  self:drop(id)
end

---@return integer  microseconds since 1970
local function last_change(self, upload)
  local last = upload.began
  for _, number in ipairs(self:numbers(upload.id)) do
    local part = self:part(upload.id, number)
    if part then last = math.max(last, part.time) end
  end
  return last
end

---Parts of what was dropped, when the process ended in the midst of that.
local function is_left_over(self, id)
  if not is_id(id) or not self:numbers(id)[1] then return false end
  local head, err = self.disk:stat(self.namespace, path_of(id, HEAD))
  return not head and err.code == "not_found"
end

---Drops what nobody has gone on with.
function Uploads:sweep()
  for _, entry in ipairs(files.list(self.folder) or {}) do
    if is_left_over(self, entry.name) then self:drop(entry.name) end
  end
  local oldest = host.time() - LIFE * 1000000
  for _, upload in ipairs(self:list()) do
    if upload.began < oldest and last_change(self, upload) < oldest then self:drop(upload.id) end
  end
end

return uploads
