---Messages between nodes: what fields each has, checked field by field before anybody looks at one.
---
---On the wire a message is one CBOR map:
---  hello         {hello = {...}}                  the first message of each side
---  welcome       {welcome = {...}}                the second: the other side is let in
---  request       {id = n, topic = "...", body = ...}
---  reply         {re = n, body = ...} or {re = n, error = {code = "...", message = "..."}}

local errors = require "filo.base.errors"
local format = require "filo.base.format"
local rates = require "filo.host.rates"

local protocol = { VERSION = 5 }

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

---A list of up to so many.
---@param most integer|fun(limits: table): integer
local function list_of(check, most)
  return function(value, limits)
    if not map(value) or #value > (type(most) == "function" and most(limits) or most) then return false end
    local count = 0
    for _, each in pairs(value) do
      if not check(each) then return false end
      count = count + 1
    end
    return count == #value
  end
end

local hash = text(32, 32)
local record = text(264, 65740)
local chunk = integer(0, 1 << 32)
local stream = integer(0, (1 << 32) - 1)
---The content of a small object, after its hash.
local function body(value, limits) return type(value) == "string" and #value <= limits.inline + 32 end

---As many as are listed at once, at most.
local records = list_of(record, function(limits) return limits.listed end)

---Of a catalogue: the same for as long as it lives.
local life = text(16, 16)

---A list in one text, of things that have so many bytes each.
---@param most fun(limits: table): integer  of them
local function bytes_of(size, most)
  return function(value, limits) return type(value) == "string" and #value % size == 0 and #value <= size * most(limits) end
end

local function asked(limits) return limits.asked end

local salt, print = text(16, 16), text(8, 8)

local function buckets_most(limits) return limits.in_step_buckets end

---Of 256 buckets, or of 64 leaves of each of some.
local prints = bytes_of(8, function(limits) return math.max(256, 64 * limits.in_step_buckets) end)

local marks = bytes_of(16, function() return 4096 end)

local time = integer(0, 1 << 40) -- seconds since 1970, of a year that a calendar can hold

local hello = {
  version = integer(1, 1 << 16),
  proof = optional(hash),           -- of the cluster secret
  signature = optional(text(64, 64)), -- of the binding, where TLS does not prove the ID
  instance = optional(text(16, 16)), -- random, of this run of the node: two with one ID are told apart by it
}

local generation = integer(0, (1 << 32) - 1)

local signature = text(64, 64)

local claim = { namespace = hash, generation = generation, signature = signature }

---A namespace that a node writes, with the proof.
local function is_claim(value)
  if not map(value) then return false end
  for name, check in pairs(claim) do
    if not check(value[name]) then return false end
  end
  return true
end

local claims = list_of(is_claim, MOST_CLAIMS)

---Where the objects of older generations go on.
local function place(value) return map(value) and generation(value.generation) and integer(0, math.maxinteger)(value.id) end

---What somebody has signed: CBOR, as it was signed.
local signed = { text = text(1, 4800), signature = signature }

local function is_signed(value)
  if not map(value) then return false end
  for name in pairs(value) do
    if not signed[name] then return false end
  end
  return signed.text(value.text) and signed.signature(value.signature)
end

local MOST_RECORDS = 64 -- of the roster, in one message

local address = plain_text(1, 264)

local ADDRESSES_MOST = 8

local counter = integer(1, 1 << 52)

---What a member says of itself, and signs.
local member = {
  id = hash,
  number = counter,                 -- the largest counts
  addresses = list_of(address, ADDRESSES_MOST), -- where it can be dialled, the likeliest first
  about = about,                    -- what its owner tells of it: zone, size ...
  capacity = optional(integer(1, math.maxinteger)), -- bytes that its file system has
}

---What who writes a namespace has decided about a member, and signed with the namespace's key.
local verdict = {
  member = hash,
  state = function(value) return value == "forgotten" or value == "draining" or value == "member" end,
  number = counter,                 -- the largest counts
  namespace = hash,
  time = time,
}

---What who writes a namespace wants of its copies, signed likewise.
local policy = {
  namespace = hash,
  number = counter,                 -- the largest counts
  spec = function(value) return map(value) or value == "none" end, -- see placement/from_spec.lua
  node = hash,                      -- on which he has said so
  time = time,
}

local signed_fields = { member = member, verdict = verdict, policy = policy }

---To how many bytes of content a second a node keeps, each way; nil: to none.
local function pace(value)
  if not map(value) then return false end
  for way, rate in pairs(value) do
    if way ~= "up" and way ~= "down" or not integer(rates.LEAST, math.maxinteger)(rate) then return false end
  end
  return true
end

local welcome = {
  member = optional(is_signed),
  you = optional(plain_text(1, 64)), -- the numeric address from which the other side comes, or at which it was dialled
  free = optional(integer(0, math.maxinteger)),
  claims = optional(claims),
  bulk = optional(boolean),         -- takes bulk lines
  pace = optional(pace),            -- to how many bytes a second it keeps
}

local MOST_KNOWN = 2048

---What is known, and how new that is: of each member node ID, number of the record, of the verdict; of each policy namespace and number.
local function numbers(size)
  return function(value) return type(value) == "string" and #value <= size * MOST_KNOWN and #value % size == 0 end
end

local signed_list = list_of(is_signed, MOST_RECORDS)

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
    request = {
      free = optional(integer(0, math.maxinteger)), left = optional(integer(0, math.maxinteger)), pace = optional(pace),
    },
    reply = { free = optional(integer(0, math.maxinteger)) },
  },
  claim = { request = { claims = claims }, reply = {} },
  members = {
    request = { known = numbers(48), policies_known = numbers(40) },
    reply = {
      known = numbers(48), policies_known = numbers(40), records = signed_list, verdicts = signed_list, policies = signed_list,
    },
  },
  member = { request = { records = signed_list, verdicts = signed_list, policies = signed_list }, reply = {} },
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
  have = {
    request = {
      namespace = hash, key_hashes = bytes_of(32, asked), versions = optional(bytes_of(8, asked)),
    },
    reply = { here = bytes_of(9, asked) },
  },
  print = { request = { salt = salt, print = print }, reply = { prints = optional(prints) } },
  prints = { request = { salt = salt, buckets = bytes_of(1, buckets_most) }, reply = { prints = prints } },
  marks = {
    request = { leaves = bytes_of(4, function(limits) return limits.in_step_leaves end), marks = marks, gone = marks },
    reply = { lacks = marks, more = marks, to = integer(1, 1 << 14) },
  },
  check = { request = { namespace = hash, key_hash = hash }, reply = {} },
  prove = {
    request = {
      namespace = hash, key_hash = hash, version = integer(0, math.maxinteger), first = chunk,
      count = function(value, limits) return integer(0, limits.proof)(value) end, nonce = hash,
    },
    reply = { hash = hash },
  },
  drop = { request = { namespace = hash, key_hash = hash, version = integer(0, math.maxinteger) }, reply = {} },
  list = {
    request = { namespace = hash, after = integer(0, math.maxinteger), life = optional(life) },
    reply = { records = records, after = integer(0, math.maxinteger), life = life },
  },
  versions = { request = { namespace = hash, key_hash = hash }, reply = { records = records } },
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

---Reads what somebody has signed. The signature is looked at by who knows whose it is.
---@param host filo.Host
---@param kind "member"|"verdict"|"policy"
---@param bytes string
---@return table? fields
---@return string? problem
function protocol.read_signed(host, kind, bytes)
  local value = host.decode(bytes)
  local problem = problem_of_only(value, signed_fields[kind])
  if problem then return nil, problem end
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

protocol.MOST_CLAIMS, protocol.MOST_RECORDS = MOST_CLAIMS, MOST_RECORDS

---True for Filo's own topics.
function protocol.is_own(topic) return topics[topic] ~= nil end

return protocol
