---What goes over a node's socket: CBOR maps, each after its length in four bytes, the most significant first.

local cbor = require "filo.core.cbor"
local errors = require "filo.base.errors"

local wire = {}

---A line typed at a prompt, or what it printed, fits.
local MOST = 4 << 20

---@return string? bytes
---@return filo.Error? err  "too_large"
function wire.pack(message)
  local body = cbor.encode(message)
  if #body <= MOST then return string.pack(">s4", body) end
  return errors.fail("too_large", ("what is to be shown has %d bytes, %d at most"):format(#body, MOST))
end

---@return true?, filo.Error?
function wire.send(connection, message)
  local bytes, err = wire.pack(message)
  if not bytes then return nil, err end
  return connection:write(bytes)
end

---@return string?, filo.Error?
local function read_exactly(connection, count, seconds)
  local parts = {}
  while count > 0 do
    local part, err = connection:read(count, seconds)
    if not part then return nil, err end
    parts[#parts + 1] = part
    count = count - #part
  end
  return table.concat(parts)
end

---Waits for a message.
---@param seconds? number  for its first bytes to come
---@return table?, filo.Error?
function wire.receive(connection, seconds)
  local head, err = read_exactly(connection, 4, seconds)
  if not head then return nil, err end
  local length = string.unpack(">I4", head)
  if length > MOST then return errors.fail("protocol", ("a message of %d bytes came, %d at most"):format(length, MOST)) end
  local body
  body, err = read_exactly(connection, length)
  if not body then return nil, err end
  local message
  message, err = cbor.decode(body)
  if type(message) ~= "table" then return nil, err or errors.new("protocol", "a message that is no map came") end
  return message
end

return wire
