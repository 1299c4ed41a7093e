---Keys with which programs reach objects over HTTP and S3: an ID and a secret for each, what it may do, and below which prefix. Each is
---a file of mode 0600, `http-keys/<ID>` in the root, which is read when it is needed: a key that is removed opens nothing from then on.

local crypto = require "filo.core.crypto"
local errors = require "filo.base.errors"
local files = require "filo.core.files"

local FOLDER = "http-keys"

---Without those that look like one another.
local LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
local ID_LETTERS, SECRET_LETTERS = 20, 40
local MOST = 65536 -- bytes of a file
local PREFIX_MOST = 4096 -- bytes: no object has a longer name

---@class filo.HttpKey
---@field id string
---@field secret string
---@field access "read"|"write"  what writes reads, too
---@field prefix string  of the objects that it opens
---@field time integer  when it was made, in seconds since 1970

local access = {}

---The answer to who has no key.
access.UNKNOWN = {
  status = 401, headers = { ["WWW-Authenticate"] = 'Basic realm="filo", charset="UTF-8"' },
  body = "a key is needed: 'filo http-key' makes one\n",
}

local function random_letters(count)
  return (crypto.random(count):gsub(".", function(byte)
    local at = byte:byte() % #LETTERS + 1 -- 32 of them: none is more likely
    return LETTERS:sub(at, at)
  end))
end

local function path_of(root, id) return ("%s/%s/%s"):format(root, FOLDER, id) end

---@param id string  anybody's word
local function is_id(id) return #id == ID_LETTERS and not id:find("[^" .. LETTERS .. "]") end

---@return filo.HttpKey?
local function parse(id, text)
  local secret, may, digits, seconds = text:match "^secret (%w+)\naccess (%l+)\nprefix (%x*)\ntime (%d+)\n$"
  local prefix, time = crypto.unhex(digits or "-"), math.tointeger(tonumber(seconds))
  if not prefix or not time or may ~= "read" and may ~= "write" then return nil end
  return { id = id, secret = secret, access = may, prefix = prefix, time = time }
end

local function open(root, id)
  if is_id(id) then return io.open(path_of(root, id), "rb") end
end

---@param root string
---@param id string  anybody's word
---@return filo.HttpKey?, filo.Error?
function access.find(root, id)
  local file <close>, problem, code = open(root, id)
  if code and code ~= 2 then return errors.of_system(code, problem) end -- 2: there is none
  if not file then return errors.fail("not_found", "there is no such key") end
  local key = parse(id, file:read(MOST) or "")
  if key then return key end
  return errors.fail("corrupt", path_of(root, id) .. " is no key: remove it")
end

---@param root string
---@return filo.HttpKey[]?, filo.Error?  the oldest first
function access.list(root)
  local list = {}
  local there = files.look(root .. "/" .. FOLDER)
  local entries, err = there and files.list(root .. "/" .. FOLDER) or {}, nil
  if not entries then return nil, err end
  for _, entry in ipairs(entries) do
    local key, problem = access.find(root, entry.name)
    if key then list[#list + 1] = key elseif problem.code ~= "not_found" then return nil, problem end
  end
  table.sort(list, function(a, b)
    if a.time ~= b.time then return a.time < b.time end
    return a.id < b.id
  end)
  return list
end

---@param root string
---@param may "read"|"write"
---@param prefix string
---@return filo.HttpKey?, filo.Error?
function access.make(root, may, prefix)
  if #prefix > PREFIX_MOST then return errors.fail("invalid", ("a prefix has %d bytes at most"):format(PREFIX_MOST)) end
  local ok, err = files.trust_folder(root) -- what another user makes there, the root's own could not read
  if ok then ok, err = files.make_folders(root, FOLDER, 448) end -- 0700
  if not ok then return nil, err end
  local key = { id = random_letters(ID_LETTERS), secret = random_letters(SECRET_LETTERS), access = may, prefix = prefix, time = os.time() }
  ok, err = crypto.write_private(path_of(root, key.id),
    ("secret %s\naccess %s\nprefix %s\ntime %d\n"):format(key.secret, may, crypto.hex(prefix), key.time))
  if not ok then return nil, err end
  return key
end

---@param root string
---@param id string
---@return true?, filo.Error?
function access.revoke(root, id)
  local ok, problem, code
  if is_id(id) then ok, problem, code = os.remove(path_of(root, id)) end
  if ok then return true end
  if code and code ~= 2 then return errors.of_system(code, problem) end -- 2: there is none
  return errors.fail("not_found", ("there is no key %s: 'filo http-key --list' lists them"):format(id))
end

-- Requests --------------------------------------------------------------------------------------------------------------

---Whose request it is, by Basic authentication (RFC 7617). nil: nobody's that is known; which of the two was wrong is not told.
---@param root string
---@param request filo.http.Request
---@return filo.HttpKey?
function access.of(root, request)
  local scheme, text = (request.headers.authorization or ""):match "^(%a+) +(%S+)$"
  local id, secret = (scheme and scheme:lower() == "basic" and crypto.unbase64(text) or ""):match "^([^:]*):(.*)$"
  local key, err
  if id then key, err = access.find(root, id) end
  if err and err.code ~= "not_found" and err.code ~= "corrupt" then error(err, 0) end
  if not crypto.equal(crypto.digest("sha256", key and key.secret or ""), crypto.digest("sha256", secret or "")) then return nil end
  return key or nil
end

---@param key filo.HttpKey
---@param name string  of an object, or a prefix of such
---@param writes boolean
---@return boolean
function access.allows(key, name, writes)
  return name:sub(1, #key.prefix) == key.prefix and (not writes or key.access == "write")
end

return access
