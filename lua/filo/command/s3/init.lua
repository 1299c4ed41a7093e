---S3: the node's objects for programs that speak it. A bucket is what is below a folder of the namespace, and a key there is a key here, so
---that `filo put` and `aws s3 cp` mean the same objects.

local access = require "filo.command.web.access"
local acl = require "filo.command.s3.acl"
local authentication = require "filo.command.s3.authentication"
local buckets = require "filo.command.s3.buckets"
local errors = require "filo.base.errors"
local failure = require "filo.command.s3.failure"
local filo = require "filo"
local inside = require "filo.base.inside"
local operations = require "filo.command.s3.operations"
local place = require "filo.command.s3.place"
local readiness = require "filo.command.web.readiness"
local uploads = require "filo.command.s3.uploads"

---A request, on its way to what carries it out.
---@class filo.s3.Call
---@field node filo.Node
---@field uploads filo.s3.Uploads
---@field request filo.http.Request
---@field query table<string, string>
---@field bucket? string
---@field key? string  of S3
---@field name? string  of the node: the bucket and the key
---@field who? filo.HttpKey  nil: nobody who is known, who may read what is public
---@field promise filo.s3.Promise
---@field options filo.s3.Options

---@class filo.s3.Options
---@field address string
---@field tls? table
---@field domain? string  in whose names buckets are, too: "localhost" is the default
---@field acls? boolean  clients may let anybody read what they store
---@field public? string[]  what the names of objects begin with that anybody may read

---Seconds in which the catalogue may become ready, for a list.
local PATIENCE = 5

---Seconds between two looks for uploads that nobody has gone on with.
local SWEEP = 3600

---Whether anybody may read what begins with a name.
local function is_public(options, name)
  for _, prefix in ipairs(options.public or {}) do
    if name:sub(1, #prefix) == prefix then return true end
  end
  return false
end

---@param call filo.s3.Call
---@param operation filo.s3.Operation
---@return boolean
local function may(options, call, operation)
  local name = call.name or ""
  if operation.needs == "list" then name = name .. (call.query.prefix or "") end
  local who, needs = call.who, operation.needs
  if needs == "form" or who and needs == "each" then return true end
  if who and access.allows(who, name, needs == "write") then return true end
  if needs ~= "read" and needs ~= "list" or operation.is_private then return false end
  if is_public(options, name) then return true end
  return options.acls == true and call.bucket ~= nil and not call.query.versionId and acl.may_read(call)
end

---@param options filo.s3.Options
---@param made {node: filo.Node, uploads: filo.s3.Uploads}
---@param request filo.http.Request
local function carry_out(options, made, request)
  local bucket, key = place.of(request, options.domain or "localhost")
  local operation = operations.of(request, bucket, key)
  local who, promise = authentication.of(made.node.root, request)
  if who == nil then return promise end
  local call = {
    node = made.node, uploads = made.uploads, request = request, query = request.query, bucket = bucket, key = key, who = who or nil,
    name = bucket and place.name(bucket, key), promise = promise, options = options,
  }
  if not operation then return failure.of(who and "NotImplemented" or "AccessDenied") end
  if not may(options, call, operation) then return failure.of "AccessDenied" end
  if bucket and not buckets.is_name(bucket) then return failure.of "InvalidBucketName" end
  if key and not utf8.len(key) then return failure.of("InvalidURI", "a key is UTF-8: in lists it could not be told from others") end
  local owner = request.headers["x-amz-expected-bucket-owner"]
  if owner and owner ~= made.node.id then return failure.of("AccessDenied", "the bucket is another owner's than was expected") end
  local is_list = operation.needs == "list" or operation.needs == "each"
  local why = is_list and readiness.wait(made.node, PATIENCE)
  if why then return failure.of("ServiceUnavailable", why) end
  return operation.run(call)
end

---Answers that are failures tell what was asked for.
local function handler(options, made, tell)
  return function(request)
    local ok, answer = xpcall(carry_out, function(err)
      if errors.is_cancelled(err) then return err end
      return debug.traceback(errors.text(err), 2)
    end, options, made, request)
    if not ok and errors.is_cancelled(answer) then error(answer, 0) end
    if ok then return answer end
    tell("error", ("S3: %s failed: %s"):format(request.method, answer))
    return failure.of "InternalError"
  end
end

local function sweep_now_and_then(made)
  while true do
    filo.sleep(SWEEP)
    made:sweep()
  end
end

---Serves S3 at an address.
---@param node filo.Node
---@param options filo.s3.Options
---@param tell fun(level: string, message: string)
---@return filo.http.Server?, filo.Error?
return function(node, options, tell)
  local made, err = uploads.open(node)
  if not made then return nil, err end
  local server
  server, err = filo.http.serve(options.address, handler(options, { node = node, uploads = made }, tell), { tls = options.tls, log = tell })
  if not server then
    made:close()
    return nil, err
  end
  inside.of(node).handed_out:add(made) -- it is closed with the node
  node:spawn(sweep_now_and_then, made)
  return server
end
