---Which of many copies somebody has: a peer is asked for a batch of one namespace at once, and says of each what lies there. It looks at
---its files, and hashes nothing: that a copy is good is for `prove` to say.

local errors = require "filo.base.errors"
local retry = require "filo.replication.retry"

local have = {}

---What lies there, a byte for each: nothing, an object, a deletion, or what cannot be read.
local NONE, OBJECT, DELETION, UNREAD = 0, 1, 2, 3

local FORMAT = ">BI8" -- that, and the version

---What a peer has of a namespace.
---@class filo.Possession
---@field version? integer  nil: nothing
---@field deleted? boolean  it is a deletion
---@field unread? boolean  something, perhaps, that cannot be read

---Looks at one place here.
local function look(given, namespace, key_hash)
  local path = given.names:path(key_hash)
  local fields, err
  if path then fields, err = given.disk:sealed(namespace, path, 0, true) end
  if not fields and path and err.code == "corrupt" then given.set_aside(namespace, path, err) end
  if not fields then return FORMAT:pack(path and (err.code == "not_found" or err.code == "corrupt") and NONE or UNREAD, 0) end
  if fields.key_hash ~= key_hash then return FORMAT:pack(NONE, 0) end
  return FORMAT:pack(fields.tombstone and DELETION or OBJECT, fields.version)
end

---Who tells what he has himself of some objects: what lies here in that very version he holds, too.
---@param list string[]  what lies here of each
local function note_asker(given, body, peer, list)
  local rows = {}
  if not body.versions or #body.versions // 8 ~= #list then return end
  for i = 1, #list do
    rows[i] = { key_hash = body.key_hashes:sub(32 * i - 31, 32 * i), version = (">I8"):unpack(body.versions, 8 * i - 7) }
  end
  given.beliefs:note(peer, body.namespace, rows, function(i)
    local what, version = FORMAT:unpack(list[i])
    return (what == OBJECT or what == DELETION) and version == rows[i].version or nil
  end)
end

---Answers peers from now on.
---@param given {host: filo.Host, peers: filo.Peers, names: filo.Names, disk: table, set_aside: filo.SetAside, beliefs: filo.Beliefs}
function have.serve(given)
  given.peers:handle("have", function(body, peer)
    local list = {}
    for at = 1, #body.key_hashes, 32 do
      list[#list + 1] = look(given, body.namespace, body.key_hashes:sub(at, at + 31))
    end
    note_asker(given, body, peer, list)
    return { here = table.concat(list) }
  end)
end

local function lies(peer)
  return errors.fail("protocol", ("%s answers for more or fewer copies than it was asked for"):format(tostring(peer)), { peer = peer.id })
end

---Notes what a peer has said.
---@param list filo.Possession[]
local function note_answer(given, peer, rows, list)
  given.beliefs:note(peer, rows[1].namespace, rows, function(i)
    if list[i].unread then return nil end
    return list[i].version == rows[i].version
  end)
end

---Asks a peer which it has of what lies here.
---@param given {host: filo.Host, beliefs: filo.Beliefs}
---@param peer filo.peers.Peer
---@param rows filo.CatalogueRow[]  limits.asked of one namespace at most, and one at least
---@return filo.Possession[]?, filo.Error?
function have.ask(given, peer, rows)
  local key_hashes, versions = {}, {}
  for i, row in ipairs(rows) do key_hashes[i], versions[i] = row.key_hash, (">I8"):pack(row.version) end
  local question = { namespace = rows[1].namespace, key_hashes = table.concat(key_hashes), versions = table.concat(versions) }
  local answer, err = retry(given.host, peer.across_takeover, peer, peer.ask, "have", question)
  if not answer then return nil, err end
  if #answer.here ~= #rows * FORMAT:packsize() then return lies(peer) end
  local list = {}
  for i = 1, #rows do
    local what, version = FORMAT:unpack(answer.here, 1 + (i - 1) * FORMAT:packsize())
    list[i] = { version = (what == OBJECT or what == DELETION) and version or nil, deleted = what == DELETION, unread = what == UNREAD }
  end
  note_answer(given, peer, rows, list)
  return list
end

return have
