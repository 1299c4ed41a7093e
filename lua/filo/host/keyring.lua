---The key ring of a root: what the node was given of namespaces, each under a name that its user has chosen. A capability is a file of its
---own, `namespaces/NAME/<start of its SHA-256>`, of mode 0600: one that is added replaces nothing.

local crypto = require "filo.core.crypto"
local errors = require "filo.base.errors"
local files = require "filo.core.files"

local keyring = {}

local FOLDER = "namespaces"

---A name of a namespace: letters, digits and . _ - inside, 64 at most.
---@return string?, filo.Error?
function keyring.check_name(name)
  if name:find "^[%w_][%w._-]*$" and #name <= 64 and name ~= "own" then return name end
  return errors.fail("invalid", ("'%s' is no name for a namespace: it takes up to 64 letters, digits, '.', '_', '-'; 'own' is the node's")
    :format(name))
end

---The keys that a capability gives.
keyring.read = crypto.namespace

---@return filo.FolderEntry[]?, filo.Error?
local function list(path)
  local entries, err = files.list(path)
  if not entries and err.code == "not_found" then return {} end
  return entries, err
end

---Where the capabilities of a name are: none, when it was not finished or cannot be read.
---@return string[], filo.Error?
local function paths_of(root, name)
  local folder, paths = ("%s/%s/%s"):format(root, FOLDER, name), {}
  local entries, err = list(folder)
  for _, entry in ipairs(entries or {}) do
    if entry.name:find "^%x+$" then paths[#paths + 1] = folder .. "/" .. entry.name end -- what else is there is a draft
  end
  return paths, err
end

---The names that there are, sorted.
---@param root string
---@return string[]?, filo.Error?
function keyring.names(root)
  local entries, err = list(root .. "/" .. FOLDER)
  if not entries then return nil, err end
  local names = {}
  for _, entry in ipairs(entries) do
    local is_name = entry.kind == "d" and keyring.check_name(entry.name)
    if is_name and paths_of(root, entry.name)[1] then names[#names + 1] = entry.name end
  end
  return names
end

---The keys that are there under a name.
---@param root string
---@param name string
---@return filo.Keys?, filo.Error?
function keyring.load(root, name)
  local paths, err = paths_of(root, name)
  if err then return nil, err end
  if not paths[1] then return errors.fail("not_found", ("there is no namespace '%s' in %s"):format(name, root)) end
  return crypto.namespace_load(table.unpack(paths))
end

---Adds a capability to what is there under a name. One that is there already stays.
---@param root string
---@param name string
---@param line string
---@return true?, filo.Error?
function keyring.add(root, name, line)
  local checked, problem = keyring.check_name(name)
  if not checked then return nil, problem end
  local folder = FOLDER .. "/" .. name
  local ok, err = files.make_folders(root, folder, 448) -- 0700
  if not ok then return nil, err end
  local file = ("%s/%s/%s"):format(root, folder, crypto.hex(crypto.digest("sha256", line)):sub(1, 16))
  ok, err = crypto.write_private(file, line .. "\n")
  if ok or err.code == "exists" then return true end
  return nil, err
end

local SHARED = FOLDER .. "/own-has-other-writers"

---Notes, for good, that others may write the node's own namespace, too.
---@param root string
---@return true?, filo.Error?
function keyring.note_writers(root)
  if keyring.has_writers(root) then return true end
  local ok, err = files.trust_folder(root) -- what another user makes there, the root's own could not read
  if ok then ok, err = files.make_folders(root, FOLDER, 448) end -- 0700
  if not ok then return nil, err end
  ok, err = crypto.write_private(root .. "/" .. SHARED, "")
  if ok or err.code == "exists" then return true end
  return nil, err
end

---Whether that was noted.
---@param root string
---@return boolean
function keyring.has_writers(root) return files.look(root .. "/" .. SHARED, false) ~= nil end

return keyring
