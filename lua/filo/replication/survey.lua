---Surveying: every copy of an object, wherever it is, and what is wrong with those that are missing.

local at_end = require "filo.host.at_end"
local new_gate = require "filo.host.gate"

---@class filo.Copy
---@field node string  ID of the node
---@field version? integer  of the copy; nil: there is none
---@field size? integer
---@field deleted? boolean  it is a tombstone
---@field verified? integer  seconds since 1970: when the node last hashed all of it and found it good, as it wrote it or later
---@field problem? string  why there is none, or why it is not known
---@field absent? boolean  it is known that there is none
---@field refused? string  why the node refused one, when it was to take it
---@field unwanted? boolean  there is none, and the policy asks for none there (Node:placement)

---@class filo.Survey
local Survey = {}
Survey.__index = Survey

---@param given {host: filo.Host, disk: table, peers: filo.Peers, find: filo.Find, refusals: filo.Refusals, id: string, namespace: string}
---@return filo.Survey
local function new(given) return setmetatable(given, Survey) end

local function describe(id, fields, verified)
  return { node = id, version = fields.version, size = fields.size, deleted = fields.tombstone or nil, verified = verified }
end

local function here(self, name)
  local fields, err, _, verified = self.disk:sealed(self.namespace, name.path, 0)
  if fields and fields.key_hash == name.hash then return describe(self.id, fields, verified) end
  if not fields and err.code ~= "not_found" then return { node = self.id, problem = tostring(err) } end
  return { node = self.id, problem = "it has no copy", absent = true }
end

local function at_peer(self, name, peer)
  local found, err = self.find:at(peer, name.hash, true)
  if found then return describe(peer.id, found.fields, found.verified) end
  local refused = self.refusals:reason(name.hash, peer.id)
  local why = refused and "it has no copy; when it was to take one: " .. refused or "it has no copy"
  return { node = peer.id, problem = err and tostring(err) or why, absent = not err, refused = refused }
end

---As Node:copies. With `enough`, waits no longer for answers once it is true of the copies that are known by then.
---@param enough? fun(copies: filo.Copy[]): boolean
---@return filo.Copy[]
function Survey:copies(name, enough)
  local own, peers, answers, tasks = here(self, name), self.peers:list(), {}, {}
  local left, answered = #peers, new_gate(self.host)
  local function known()
    local list = { own }
    for i = 1, #peers do list[#list + 1] = answers[i] end
    return list
  end
  local _ <close> = at_end(function()
    for _, each in ipairs(tasks) do each:cancel() end
  end)
  for i, peer in ipairs(peers) do
    tasks[i] = self.host.spawn_child(function()
      local _ <close> = at_end(function()
        left = left - 1
        answered:wake()
      end)
      answers[i] = at_peer(self, name, peer)
    end)
  end
  answered:wait_for(function() return left == 0 or enough and enough(known()) end)
  return known()
end

return new
