#!/usr/bin/env filo
-- Asks a node's S3 what ceph/s3-tests asks (https://github.com/ceph/s3-tests), a suite that is written for Ceph and run by many.
--
--   git clone https://github.com/ceph/s3-tests
--   apt-get install python3-pytest python3-boto3 python3-munch python3-isodate python3-lxml python3-tz python3-requests
--   filo scripts/s3-tests.lua s3-tests [ARGUMENTS]
--
--   ARGUMENTS  of pytest. Without any: what it asks of buckets, objects, lists, conditions, ranges, copies and uploads in parts. Left
--              out is what Filo's S3 has no like of: ACLs, versions of buckets, bucket policies, lifecycle, object lock ...
--
-- The node lies in a temporary folder, which is removed at the end. PYTHON names another Python. Exits as pytest does.

local access = require "filo.command.web.access"
local filo = require "filo"
local s3 = require "filo.command.s3"
local script = require "filo.script"

local suite = arg[1] or script.usage "a folder expected"

local ASKED = "bucket_list or bucket_create or bucket_delete or bucket_head or bucket_notexist or buckets_list or list_buckets"
  .. " or object_read or object_write or object_head or object_copy or object_metadata or object_set_get or object_requestid"
  .. " or put_object or put_current or get_object or object_checksum or object_content or multi_object or multipart or ranged"
  .. " or atomic or copy_object or 100_continue"

local LEFT_OUT = "acl or version or policy or lock or lifecycle or logging or website or kms or sse or enc or ownership or public or cors"
  .. " or grant or tag or replication or notification or cloud or storage_class or cksum_helper or delete_object or anonymous or nonowner"
  .. " or not_owned or extended or unordered"

local CONF = [[
[DEFAULT]
host = 127.0.0.1
port = %s
is_secure = False
ssl_verify = False
[fixtures]
bucket prefix = filo-{random}-
[s3 main]
%s
[s3 alt]
%s
[s3 tenant]
%s
tenant = testx
[iam]
%s
[iam root]
%s
[iam alt root]
%s
]]

---A user of the suite: all are the node's owner, each with a key of his own.
local function user(root, id)
  local key = assert(access.make(root, "write", ""))
  local text = "display_name = %s\nuser_id = %s\nemail = test@example.org\naccess_key = %s\nsecret_key = %s\napi_name ="
  return text:format(id, id, key.id, key.secret)
end

local function write_conf(path, root, id, port)
  local file <close> = assert(io.open(path, "w"))
  local users = {}
  for i = 1, 6 do users[i] = user(root, id) end
  assert(file:write(CONF:format(port, table.unpack(users))))
end

local function command_of(conf)
  local command = { os.getenv "PYTHON" or "/usr/bin/python3", "-m", "pytest", "-q", "-p", "no:cacheprovider", cwd = suite, env = {} }
  command.env.S3TEST_CONF = conf
  if arg[2] then
    table.move(arg, 2, #arg, #command + 1, command)
  else
    local all = { "s3tests/functional/test_s3.py", "--tb=line", "-k", ("(%s) and not (%s)"):format(ASKED, LEFT_OUT) }
    table.move(all, 1, #all, #command + 1, command)
  end
  return command
end

---Shows what a process prints.
local function show(from, to)
  for piece in function() return from:read(65536) end do to:write(piece):flush() end
end

local folder = assert(filo.start { "mktemp", "-d" }).stdout:read "l"
local root = folder .. "/root"
local status
do
  local node <close> = assert(filo.node { root = root, durability = "none", log = function() end })
  local server <close> = assert(s3(node, { address = "127.0.0.1:0", acls = true }, function(_, message) io.stderr:write(message, "\n") end))
  write_conf(folder .. "/conf", root, node.id, server.address:match "%d+$")
  local process = assert(filo.start(command_of(folder .. "/conf")))
  filo.all { function() show(process.stdout, io.stdout) end, function() show(process.stderr, io.stderr) end }
  status = process:wait().status
end
os.execute("rm -rf '" .. folder .. "'")
os.exit(status, true)
