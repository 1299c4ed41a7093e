-- A web server of the benchmark, on a node of its own: ROOT. Gives and takes objects at /o/KEY, a file of 4 KiB from memory at /text.

local filo = require "filo"

local node <close> = assert(filo.node { root = arg[1], reserve = 0, durability = "none", log = function() end })
local text = ("x"):rep(4096)
local server <close> = assert(filo.http.serve("127.0.0.1:0", filo.http.routes {
  ["GET /o/{key...}"] = function(request) return node:get(request.parameters.key) end,
  ["PUT /o/{key...}"] = function(request)
    local receipt, err = node:store(request.parameters.key, request:body())
    return receipt and 201, err
  end,
  ["GET /text"] = function() return text end,
}))
io.stdout:write(server.address, "\n"):flush()
server:wait()
