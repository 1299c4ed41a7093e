---A server of HTTP: who comes is talked with, so many at a time. When there is no room for one more, who has kept the server waiting
---for longest makes it, so that clients that say nothing keep nobody out.

local errors = require "filo.base.errors"
local inside = require "filo.base.inside"
local net = require "filo.core.net"
local new_conversation = require "filo.http.conversation"
local runtime = require "filo.core.runtime"
local task = require "filo.host.task"

---Seconds that an answer that goes on is left when others want in.
local STILL = 10

---@class filo.http.Server
---@field address string  "host:port"
---@field connections integer  of clients, now
local Server = {}
inside.seal(Server, "a server", { "address", "connections" })

local server = {}

local function of(self, what)
  return inside.of(self) or error(("a server expected: is there a dot in place of the colon, as in server:%s()?"):format(what), 3)
end

---@param given table
---@return filo.core.Tls?, filo.Error?
local function read_tls(given) return net.tls_server(given.certificate, given.key) end

-- Room ------------------------------------------------------------------------------------------------------------------

---Who has kept the server waiting for longest: of those between two requests, if there are any; else of those that take or give nothing.
local function find_idle(parts)
  local best, most, is_free
  for conversation in pairs(parts.conversations) do
    local still, free = conversation.connection:still(), not conversation.answering
    local better = not best or free and not is_free or free == is_free and still > most
    if better and (free or still >= STILL) then best, most, is_free = conversation, still, free end
  end
  return best
end

---Whether there is room for one more.
local function make_room(parts, is_scarce)
  if parts.connections < parts.options.connections and not is_scarce then return true end
  local idle = find_idle(parts)
  if not idle then return parts.connections < parts.options.connections end
  idle.task:cancel "others want in"
  return true
end

-- Talking ---------------------------------------------------------------------------------------------------------------

local function talk(parts, conversation)
  local ok, err = pcall(conversation.run, conversation)
  if not ok and conversation.answering then conversation.connection:abort() end
  conversation.connection:close()
  parts.conversations[conversation] = nil
  parts.connections = parts.connections - 1
  if not ok and not errors.is_cancelled(err) then error(err, 0) end
end

local function welcome(parts, connection)
  local conversation = new_conversation {
    connection = connection, handler = parts.handler, secure = parts.terms.tls ~= nil, log = parts.options.log, server = parts,
  }
  parts.conversations[conversation] = true
  parts.connections = parts.connections + 1
  conversation.task = runtime.spawn(talk, parts, conversation)
end

---A task ends with the one that has started it: that waits for all of them.
local function outlast(parts)
  for conversation in pairs(parts.conversations) do errors.try(conversation.task.join, conversation.task) end
end

local function accept_all(parts)
  while true do
    local connection, scarce = parts.listener:accept(parts.terms)
    if not connection and scarce.code == "closed" then return outlast(parts) end
    if connection and make_room(parts, scarce) then welcome(parts, connection) elseif connection then connection:close() end
  end
end

-- Its face --------------------------------------------------------------------------------------------------------------

---Reads the files of the certificate and its key again: who comes from now on gets that one.
---@return true?, filo.Error?  on failure all stays as it was
function Server:reload()
  local parts = of(self, "reload")
  if not parts.options.tls then return true end
  local tls, err = read_tls(parts.options.tls)
  if not tls then return nil, err end
  parts.terms.tls = tls
  return true
end

---Waits until it is closed, and nobody is answered any more.
function Server:wait() of(self, "wait").accepting:join() end

---Those who are talked with, but for who closes the server while it answers: that answer still goes out.
local function others(parts)
  local list, current = {}, runtime.current()
  for conversation in pairs(parts.conversations) do
    if conversation.task ~= current then list[#list + 1] = conversation end
  end
  return list
end

---Nobody is let in any more. Who is answered has `seconds` (0) for that.
---@param seconds? number
function Server:close(seconds)
  local parts = of(self, "close")
  if parts.closing then return end
  parts.closing = true
  parts.listener:close()
  local deadline, conversations = runtime.now() + (seconds or 0), others(parts)
  for _, conversation in ipairs(conversations) do
    if not conversation.answering then conversation.task:cancel "the server closes" end
  end
  for _, conversation in ipairs(conversations) do conversation.task:join(math.max(0, deadline - runtime.now())) end
  for _, conversation in ipairs(conversations) do conversation.task:cancel "the server closes" end
end

function Server.__close(self) self:close() end

function Server:__tostring() return "server at " .. inside.of(self).address end

---@param address string
---@param handler function
---@param options table  complete
---@return filo.http.Server?, filo.Error?
function server.new(address, handler, options)
  local tls, err
  if options.tls then
    tls, err = read_tls(options.tls)
    if not tls then return nil, err end
  end
  local listener
  listener, err = net.listen_raw(address)
  if not listener then return nil, err end
  local parts = {
    address = listener:address(), listener = listener, handler = handler, options = options, conversations = {}, connections = 0,
    closing = false,
    -- Looked at when somebody comes, who may have been waited for since before they were changed.
    terms = { http = true, tls = tls, idle = options.idle, head = options.head, stall = options.stall },
  }
  parts.accepting = task.spawn(accept_all, parts)
  return inside.keep(setmetatable({}, Server), parts)
end

return server
