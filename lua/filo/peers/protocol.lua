---Messages between nodes: what fields each has, checked field by field before anybody looks at one.
---
---On the wire a message is one CBOR map:
---  hello         {hello = {...}}                  the first message of each side
---  welcome       {welcome = {...}}                the second: the other side is let in
---  request       {id = n, topic = "...", body = ...}
---  reply         {re = n, body = ...} or {re = n, error = {code = "...", message = "..."}}

local errors = require "filo.base.errors"
local format = require "filo.base.format"

local protocol = { VERSION = 4 }

local function text(least, most)
  return function(value)
    return type(value) == "string" and #value >= least and #value <= most
  end
end

local function integer(least, most)
  return function(value)
    return math.type(value) == "integer" and value >= least and value <= most
  end
end

local function boolean(value) return type(value) == "boolean" end

local function map(value) return type(value) == "table" end

---What a value takes when it is encoded, at least; as much of it as is looked at before that is over a limit.
local function size_of(value, limit)
  if type(value) == "string" then return 1 + #value end
  local size = 1
  for key, each in pairs(type(value) == "table" and value or {}) do
    size = size + size_of(key, limit) + size_of(each, limit - size)
    if size > limit then break end
  end
  return size
end

local ABOUT_MOST = 2048

local MOST_CLAIMS = 16

---What an owner tells of a node, which is kept for as long as it is connected.
local function about(value) return map(value) and size_of(value, ABOUT_MOST) <= ABOUT_MOST end

local function optional(check)
  return function(value, limits) return value == nil or check(value, limits) end
end

local function plain_text(least, most)
  local fits = text(least, most)
  return function(value) return fits(value) and format.printable(value) == value end
end

local hash = text(32, 32)
local record = text(264, 65740)
local chunk = integer(0, 1 << 32)
local stream = integer(0, (1 << 32) - 1)
---The content of a small object, after its hash.
local function body(value, limits) return type(value) == "string" and #value <= limits.inline + 32 end

---Records, as many as are listed at once, at most.
local function records(value, limits)
  if not map(value) or #value > limits.listed then return false end
  local count = 0
  for _, each in pairs(value) do
    if not record(each) then return false end
    count = count + 1
  end
  return count == #value
end

---Of a catalogue: the same for as long as it lives.
local life = text(16, 16)

local time = integer(0, 1 << 40) -- seconds since 1970, of a year that a calendar can hold

local hello = {
  version = integer(1, 1 << 16),
  proof = optional(hash),           -- of the cluster secret
  signature = optional(text(64, 64)), -- of the binding, where TLS does not prove the ID
  instance = optional(text(16, 16)), -- random, of this run of the node: two with one ID are told apart by it
}

local generation = integer(0, (1 << 32) - 1)

local claim = { namespace = hash, generation = generation, signature = text(64, 64) }

---Namespaces that a node writes, each with the proof.
local function claims(value)
  if not map(value) or #value > MOST_CLAIMS then return false end
  local count = 0
  for _, each in pairs(value) do
    if not map(each) then return false end
    for name, check in pairs(claim) do
      if not check(each[name]) then return false end
    end
    count = count + 1
  end
  return count == #value
end

---Where the objects of older generations go on.
local function place(value) return map(value) and generation(value.generation) and integer(0, math.maxinteger)(value.id) end

local welcome = {
  listen = optional(plain_text(1, 264)), -- where it can be dialled
  about = optional(about),          -- what its owner tells of it: zone, size ...
  free = optional(integer(0, math.maxinteger)),
  claims = optional(claims),
  bulk = optional(boolean),         -- takes bulk lines
}

local envelope = {
  id = optional(integer(1, math.maxinteger)),
  topic = optional(text(1, 64)),
  re = optional(integer(1, math.maxinteger)),
  error = optional(map),
}

local CODE_MOST, MESSAGE_MOST = 64, 1024

local function code(value)
  return type(value) == "string" and #value <= CODE_MOST and value:match "^[%l%d_]+$" ~= nil
end

local failure = { code = code, message = text(0, MESSAGE_MOST) }

local function any() return true end

---Requests and replies of Filo's own topics. `record` in a reply to store, offer or fill: what is there instead, and is no older.
local topics = {
  ping = {
    request = { free = optional(integer(0, math.maxinteger)), about = optional(about) },
    reply = { free = optional(integer(0, math.maxinteger)) },
  },
  claim = { request = { claims = claims }, reply = {} },
  store = {
    request = { record = record, body = optional(body) },
    reply = { record = optional(record), here = optional(boolean), want = optional(boolean) },
  },
  offer = {
    request = { record = record },
    reply = { want = optional(chunk), hashes = optional(boolean), record = optional(record), here = optional(boolean) },
  },
  fill = {
    request = { record = record, stream = stream, hashes = boolean, first = chunk, bulk = optional(boolean) },
    reply = { record = optional(record), here = optional(boolean) },
  },
  find = {
    request = { namespace = hash, key_hash = hash, without_content = optional(boolean) },
    reply = { record = optional(record), body = optional(body), verified = optional(time) },
  },
  check = { request = { namespace = hash, key_hash = hash }, reply = {} },
  prove = {
    request = {
      namespace = hash, key_hash = hash, version = integer(0, math.maxinteger), first = chunk,
      count = function(value, limits) return integer(0, limits.proof)(value) end,
    },
    reply = {},
  },
  drop = { request = { namespace = hash, key_hash = hash, version = integer(0, math.maxinteger) }, reply = {} },
  list = {
    request = { namespace = hash, after = integer(0, math.maxinteger), life = optional(life) },
    reply = { records = records, after = integer(0, math.maxinteger), life = life },
  },
  generations = {
    request = { namespace = hash, below = generation, place = optional(place) },
    reply = { records = records, place = optional(place), latest = optional(record) },
  },
  read = {
    request = { namespace = hash, key_hash = hash, version = integer(0, math.maxinteger), hashes = boolean, first = chunk, count = chunk },
    reply = { stream = stream, bulk = optional(boolean) },
  },
  bulk = { request = { ready = optional(boolean) }, reply = { ticket = optional(hash), key = optional(hash) } },
  open = { request = { topic = text(1, 64), body = any, stream = stream }, reply = { stream = stream } },
}

---What is wrong with a map. Of several bad fields the one whose name comes first is told, whatever the order in which Lua gives them.
---@return string?
local function problem_of(value, fields, limits)
  if type(value) ~= "table" then return "is not a map" end
  local bad
  for name, check in pairs(fields) do
    if not check(value[name], limits) and not (bad and bad < name) then bad = name end
  end
  return bad and ("has a bad or missing field '%s'"):format(bad)
end

local function check_fields(what, value, fields)
  local problem = problem_of(value, fields)
  if problem then return errors.fail("protocol", ("%s %s"):format(what, problem)) end
  return value
end

---The same, where nothing else may be: what nobody reads would be kept as long as the rest.
---@return string?
local function problem_of_only(value, fields, limits)
  local problem = problem_of(value, fields, limits)
  if problem then return problem end
  for name in pairs(value) do
    if not fields[name] then return "has an unknown field" end
  end
end

---Checks the frame of any message but hello.
---@return table?, filo.Error?
function protocol.check_envelope(message)
  local ok, err = check_fields("a message", message, envelope)
  if not ok then return nil, err end
  if message.error and not check_fields("an error", message.error, failure) then
    return errors.fail("protocol", "an error has bad fields")
  end
  if message.id and message.topic or message.re then return message end
  return errors.fail("protocol", "a message is neither a request nor a reply")
end

---Without the fields that have no meaning here: they would be kept with the rest.
local function known_of(given, err)
  if not given then return nil, err end
  local known = {}
  for _, fields in ipairs { hello, welcome } do
    for name in pairs(fields) do known[name] = given[name] end
  end
  return known
end

---@return table?, filo.Error?
function protocol.check_hello(message)
  if type(message) ~= "table" then return errors.fail("protocol", "the first message is not a map") end
  return known_of(check_fields("the hello", message.hello, hello))
end

---@return table?, filo.Error?
function protocol.check_welcome(message)
  if type(message) ~= "table" then return errors.fail("protocol", "the second message is not a map") end
  return known_of(check_fields("the welcome", message.welcome, welcome))
end

---The body of a request, or reply, of one of Filo's own topics. Other topics are the script's own to check.
---@param limits table  as host.limits
---@param topic string
---@param kind "request"|"reply"
---@return any, filo.Error?
function protocol.check_body(limits, topic, kind, value)
  local fields = topics[topic]
  if not fields then return value end
  local problem = problem_of_only(value, fields[kind], limits)
  if problem then return errors.fail("protocol", ("the %s '%s' %s"):format(kind, topic, problem)) end
  return value
end

---A message that is not too long, and ends with a whole character.
local function cut(message)
  if #message <= MESSAGE_MOST then return message end
  local last = MESSAGE_MOST + 1
  while last > 1 and message:find("^[\x80-\xbf]", last) do last = last - 1 end
  return message:sub(1, last - 1)
end

local function code_and_message(err) return err.code, err.message end

---The reply that says that a request failed. Scripts may give any value as an error; of a table its code and message count.
function protocol.failure(id, err)
  local ok, name, message = pcall(code_and_message, err)
  if not (ok and code(name)) then name = "io" end
  if not (ok and type(message) == "string") then message = errors.text(err) end
  return { re = id, error = { code = name, message = cut(message) } }
end

---The error that a checked reply tells of. What was cancelled at the peer is no cancellation here.
---@return filo.Error
function protocol.error_of(reply, peer_id)
  local name = reply.error.code
  return errors.new(name == "cancelled" and "closed" or name, format.printable(reply.error.message), { peer = peer_id })
end

---Filo's own topics, by name.
protocol.topics = topics

protocol.MOST_CLAIMS = MOST_CLAIMS

---True for Filo's own topics.
function protocol.is_own(topic) return topics[topic] ~= nil end

return protocol
