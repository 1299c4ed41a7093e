-- A web server of the benchmark, on a node of its own: ROOT. Gives and takes objects at /o/KEY, a file of 4 KiB from memory at /text; and
-- another one that speaks S3. Prints where both are, and a key for the second.

local access = require "filo.command.web.access"
local filo = require "filo"
local s3 = require "filo.command.s3"

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
local s3_server <close> = assert(s3(node, { address = "127.0.0.1:0" }, print))
local key = assert(access.make(arg[1], "write", ""))
io.stdout:write(("%s %s %s:%s\n"):format(server.address, s3_server.address, key.id, key.secret)):flush()
server:wait()
