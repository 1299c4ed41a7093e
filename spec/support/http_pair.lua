---Both ends of a connection of HTTP, below what serves it.
---
---    http_pair.open(function(connection, client)
---      http_pair.begin(connection, client, http_pair.request("abcdef", 2))
---      assert.equal("ab", connection:read(10))
---    end)

local assert = require "luassert"
local filo = require "filo"
local net = require "filo.core.net"

local http_pair = {}

---@param fn fun(connection: filo.core.Http, client: any): ...
---@param stall? number  seconds
function http_pair.open(fn, stall)
  local listener <close> = assert(net.listen_raw "127.0.0.1:0")
  local client <close> = assert(filo.dial(listener:address()))
  local connection <close> = assert(listener:accept { http = true, idle = 10, head = 10, stall = stall or 10 })
  return fn(connection, client)
end

---The text of a request whose body comes in pieces of so many bytes, wherever the system cuts it; no step: it has a length.
---@param step? integer
function http_pair.request(body, step)
  if not step then return ("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s"):format(#body, body) end
  local text = { "PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" }
  for at = 1, #body, step do
    local piece = body:sub(at, at + step - 1)
    text[#text + 1] = ("%x\r\n%s\r\n"):format(#piece, piece)
  end
  return table.concat(text) .. "0\r\n\r\n"
end

---Waits for the head of a request, whose rest is sent beside what follows.
function http_pair.begin(connection, client, text)
  filo.spawn(function()
    client:write(text)
    client:flush()
  end)
  return assert(connection:request())
end

return http_pair
