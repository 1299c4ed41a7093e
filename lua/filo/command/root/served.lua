---The options of node.lua that say where the node serves HTTP and S3: an address, or a table with one.

local errors = require "filo.base.errors"
local net = require "filo.core.net"

local TLS = { certificate = "string", key = "string" }

---What each may have.
local KINDS = {
  http = { address = "string", objects = "boolean", tls = "table" },
  s3 = { address = "string", acls = "boolean", domain = "string", public = "table", tls = "table" },
}

local SHOWN = {
  http = '"127.0.0.1:7180", or { address =, objects = true, tls = { certificate =, key = } }',
  s3 = '"127.0.0.1:7181", or { address =, domain =, public = { "bucket/prefix" }, tls = { certificate =, key = } }',
}

---What is not known may be meant to keep others out: it is not passed over.
local function has_only(given, types)
  for name, value in pairs(given) do
    if type(value) ~= types[name] then return false end
  end
  return true
end

local function is_list_of_strings(list)
  for i, value in pairs(list or {}) do
    if math.type(i) ~= "integer" or type(value) ~= "string" then return false end
  end
  return true
end

local function is_well(options, types)
  local tls = options.tls
  if not options.address or not has_only(options, types) then return false end
  return (not tls or tls.certificate and tls.key and has_only(tls, TLS)) and is_list_of_strings(options.public)
end

---Whether it can be listened at, as far as its text tells.
local function check_address(address)
  if address:find "^unix:" then return true end
  return net.address(address)
end

local served = {}

---@param name "http"|"s3"
---@param given any
---@return table? options  nil without an error: it is not to be served
---@return filo.Error?
function served.of(name, given)
  if given == nil then return nil end
  if type(given) == "string" then given = { address = given } end
  local options = type(given) == "table" and given or {}
  if not is_well(options, KINDS[name]) then return errors.fail("invalid", ("%s must be an address, as %s"):format(name, SHOWN[name])) end
  local ok, err = check_address(options.address)
  if not ok then return nil, err end
  return options
end

return served
