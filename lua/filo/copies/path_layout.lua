---Where objects lie in a root: at paths that the option `path` makes of their key hashes, which the option `hash_key` makes of keys. With
---others, what is there would not be found. So the root's marker remembers which: not the functions, but what they make of a few examples.

local errors = require "filo.base.errors"
local format = require "filo.base.format"

local path_layout = {}

local EXAMPLES = { "a", "filo", "one more/example" }

---Where an object lies below its namespace's folder.
---@param transform table|function  the option `path`
---@param hash string  32 bytes
---@return string?, filo.Error?
function path_layout.path(host, transform, hash)
  if type(transform) ~= "function" then
    return host.store.cas_path(transform.digest, transform.width, transform.depth, hash)
  end
  local path = transform(host.crypto.hex(hash))
  if type(path) ~= "string" then error("option path: the function must return a string", 0) end
  local ok, err = host.store.check_path(path)
  if not ok then return nil, errors.wrap(err, "the path function's result cannot be used") end
  return path
end

local function fingerprint(host, texts)
  for i, text in ipairs(texts) do texts[i] = host.crypto.digest("sha256", text) end
  return host.crypto.hex(host.crypto.digest("sha256", table.concat(texts))):sub(1, 16)
end

---What the marker says: how each is to be told from another, and, behind, how a person may tell.
---@return string?, filo.Error?
local function describe(host, options)
  local lies, keys = {}, {}
  for i, example in ipairs(EXAMPLES) do
    local path, err = path_layout.path(host, options.path, host.crypto.digest("sha256", example))
    if not path then return nil, err end
    lies[i] = path
    keys[i] = options.hash_key and options.hash_key(example) or example
    if type(keys[i]) ~= "string" then error("option hash_key: the function must return a string", 0) end
  end
  local transform = options.path
  local told = type(transform) == "function" and "a function"
    or ("digest %s, width %d, depth %d"):format(transform.digest, transform.width, transform.depth)
  local key_text = options.hash_key and fingerprint(host, keys) .. " (a function)" or "default"
  return ("path %s (%s), keys %s"):format(fingerprint(host, lies), told, key_text)
end

---The option `path` that such a text tells of. Nil where only the script that made the root can say: of functions, and where objects are
---on their way to other places.
---@param text string
---@return {digest: string, width: integer, depth: integer}?
function path_layout.recorded(text)
  local digest, width, depth = text:match "^path %x+ %(digest (%w+), width (%d+), depth (%d+)%), keys default$"
  return digest and { digest = digest, width = math.tointeger(width), depth = math.tointeger(depth) }
end

---Whether two such texts mean the same.
local function same(a, b)
  local function meaning(text) return (text:gsub(" %b()", "")) end
  return meaning(a) == meaning(b)
end

---Where the first objects lie that a walk comes upon: "none" are there, all where they are "found", or one is "elsewhere".
---@return "none"|"found"|"elsewhere"|nil, filo.Error?
local function look(host, disk, transform)
  local walk <close>, err = disk:walk()
  if not walk then return nil, err end
  local state, entries = "none"
  repeat
    entries = walk:next()
    for _, entry in ipairs(entries) do
      if not entry.problem then
        if path_layout.path(host, transform, entry.key_hash) ~= entry.path then return "elsewhere" end
        state = "found"
      end
    end
  until state ~= "none" or #entries == 0
  return state
end

---Moves one object, unless what lies there already is the same or newer: then the one here is set aside.
local function move(disk, entry, to)
  local ok, err = disk:move(entry.namespace, entry.path, to)
  if ok or err.code ~= "exists" then return ok, err end
  local there = disk:stat(entry.namespace, to)
  if not there or there.key_hash ~= entry.key_hash then return nil, err end
  if there.version >= entry.version then return disk:set_aside(entry.namespace, entry.path) end
  ok, err = disk:set_aside(entry.namespace, to)
  if not ok then return nil, err end
  return disk:move(entry.namespace, entry.path, to)
end

---Moves an object that a walk came upon to where it is to lie. A file that is no object any more stays.
---@return boolean? moved, filo.Error?
local function put_right(host, disk, transform, entry)
  if entry.problem then return false end
  local to, err = path_layout.path(host, transform, entry.key_hash)
  if to == entry.path then return false end
  local ok
  if to then ok, err = move(disk, entry, to) end
  return ok, err
end

---Moves all that lies elsewhere; a walk may miss what is moved meanwhile, so it is done until there is nothing to move.
---@return integer? moved, filo.Error?
local function move_all(host, disk, transform)
  local moved, before = 0
  repeat
    before = moved
    local walk <close>, err = disk:walk()
    if not walk then return nil, err end
    local entries
    repeat
      entries = walk:next()
      for _, entry in ipairs(entries) do
        local done, problem = put_right(host, disk, transform, entry)
        if problem then return nil, problem end
        if done then moved = moved + 1 end
      end
    until #entries == 0
  until moved == before
  return moved
end

local UNFINISHED = "unfinished "

---Moves all objects to where they are to lie. Killed in between, it is gone on with: the marker says that it has begun.
---@return true?, filo.Error?
local function convert(host, disk, options, wanted)
  local ok, err = disk:set_layout(UNFINISHED .. wanted)
  if not ok then return nil, err end
  local moved
  moved, err = move_all(host, disk, options.path)
  if not moved then return nil, errors.wrap(err, "cannot move the objects to where the option 'path' wants them") end
  host.log("warning", ("%s moved to where the option 'path' wants them"):format(
    format.count(moved, "object was", "objects were")))
  return disk:set_layout(wanted)
end

local REFUSED = "the objects in the root %s were stored with another option '%s' (%s), and would not be found with this one (%s): %s"
local HOW_PATH = "give it that option; or start it once with convert = true, which moves them"
local HOW_KEYS = "give it that option. Other names need another root: get the objects with the old option, and store them there"

local function keys_of(text) return text:match ", keys (.*)$" end

---For people: "digest sha1, width 2, depth 1", "a function, 62f2aad29a1340e7".
local function words(text)
  local told = text:match "%b()" or text
  return told == "(a function)" and "a function, " .. text:match "%x+ %(":sub(1, -3) or (told:gsub("[()]", ""))
end

---@param had string  what the marker says
local function refuse(root, had, wanted)
  if not same(keys_of(had), keys_of(wanted)) then
    return errors.fail("denied", REFUSED:format(root, "hash_key", words(keys_of(had)), words(keys_of(wanted)), HOW_KEYS))
  end
  return errors.fail("denied", REFUSED:format(root, "path", words(had:match "^(.*), keys"), words(wanted:match "^(.*), keys"), HOW_PATH))
end

---Makes sure that what is in a root is found with these options: those that it was made with. One without objects takes any.
---@param given {root: string, path: table|function, hash_key?: function, convert: boolean, readonly: boolean}
---@return true?, filo.Error?
function path_layout.check(host, disk, given)
  local wanted, err = describe(host, given)
  if not wanted then return nil, err end
  local had = disk:layout()
  if had ~= "" and same(had, wanted) then return true end
  local state
  state, err = look(host, disk, given.path)
  if not state then return nil, err end
  if state == "none" or had == "" and state == "found" then
    if given.readonly then return true end
    return disk:set_layout(wanted)
  end
  if had == "" then had = "path (unknown), keys " .. keys_of(wanted) end -- made before markers told
  if given.convert and not given.readonly and same(keys_of(had), keys_of(wanted)) then return convert(host, disk, given, wanted) end
  return refuse(given.root, had, wanted)
end

return path_layout
